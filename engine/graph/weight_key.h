// What identifies a layer's constants once a backend has packed them.
#pragma once

#include <array>
#include <string>

#include "engine/ops/types.h"

namespace giemsa {

/// The identity of all source tensors' bytes, which whoever keeps the key keeps alive: two graphs built from one model
/// share, two models never collide, nor do two layers that have some tensors in common.
struct WeightKey {
  std::array<const std::byte*, 9> tensors;
  float eps;
  std::string use;  ///< packed for what
  auto operator<=>(const WeightKey&) const = default;

  /// `eps` is a batch normalisation's own; that of a folded one is found in the weights.
  static WeightKey of(const Weights& w, std::string use, float eps = 0) {
    const FoldedNorm norm = w.norm.value_or(FoldedNorm{});
    const auto bytes = [](const Tensor& tensor) { return tensor.bytes().data(); };
    return {{bytes(w.weight), bytes(w.bias), bytes(w.scale), bytes(w.running_mean), bytes(w.running_var),
             bytes(norm.gamma), bytes(norm.beta), bytes(norm.mean), bytes(norm.var)},
            w.norm ? norm.eps : eps,
            std::move(use)};
  }
};

}  // namespace giemsa
