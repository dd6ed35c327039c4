// What identifies a layer's constants once a backend has packed them.
#pragma once

#include <array>
#include <string>

#include "engine/graph.h"

namespace giemsa {

/// The identity of all source tensors' bytes, which whoever keeps the key keeps alive: two graphs built from one model
/// share, two models never collide, nor do two layers that have some tensors in common.
struct WeightKey {
  std::array<const std::byte*, 9> tensors;
  float eps;
  std::string use;  ///< packed for what
  auto operator<=>(const WeightKey&) const = default;

  static WeightKey of(const Node& node, std::string use) {
    const Weights& w = node.weights;
    const FoldedNorm norm = w.norm.value_or(FoldedNorm{});
    const auto* batch_norm = std::get_if<BatchNorm>(&node.op);
    const auto bytes = [](const Tensor& tensor) { return tensor.bytes().data(); };
    return {{bytes(w.weight), bytes(w.bias), bytes(w.scale), bytes(w.running_mean), bytes(w.running_var),
             bytes(norm.gamma), bytes(norm.beta), bytes(norm.mean), bytes(norm.var)},
            batch_norm ? batch_norm->eps : norm.eps,
            std::move(use)};
  }
};

}  // namespace giemsa
