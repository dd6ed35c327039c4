// torch.nn.BatchNorm2d in eval mode.
#pragma once

#include "engine/graph/graph.h"
#include "tests/ref/reference.h"

namespace giemsa::ref {

inline Reference batch_norm(const Tensor& input, const BatchNorm& op, const Weights& weights) {
  // x * scale + shift: scale and shift are rounded, then the product, then the sum.
  Reference result(input.shape(), 3);
  for_each_element(input.shape(), [&](std::int64_t, std::int64_t c, std::int64_t, std::int64_t, std::size_t i) {
    const auto channel = static_cast<std::size_t>(c);
    const double variance = weights.running_var.as<float>()[channel];
    const double scale = weights.weight.as<float>()[channel] / std::sqrt(variance + op.eps);
    result.add_term(i, scale * input.as<float>()[i]);
    result.add_term(i, -scale * weights.running_mean.as<float>()[channel]);
    result.add_term(i, weights.bias.as<float>()[channel]);
  });
  return result;
}

}  // namespace giemsa::ref
