#include "engine/graph/fold.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/parallel.h"

namespace giemsa {

DenseWeights fold(const Weights& weights) {
  const Tensor weight = to_f32(weights.weight);
  const std::span<const float> source = weight.as<float>();
  const std::size_t outputs = static_cast<std::size_t>(weight.shape()[0]);
  DenseWeights dense{{source.begin(), source.end()}, std::vector<float>(outputs, 0.0f)};
  if (weights.bias) {
    const Tensor bias = to_f32(weights.bias);
    std::ranges::copy(bias.as<float>(), dense.bias.begin());
  }
  if (!weights.norm) return dense;

  const FoldedNorm& norm = *weights.norm;
  const Tensor gamma = to_f32(norm.gamma), beta = to_f32(norm.beta), mean = to_f32(norm.mean), var = to_f32(norm.var);
  const std::size_t row = dense.weight.size() / outputs;
  kernels::cpu::parallel_for(static_cast<std::int64_t>(outputs), [&](std::int64_t output) {
    const auto o = static_cast<std::size_t>(output);
    const double g = gamma.as<float>()[o] / std::sqrt(static_cast<double>(var.as<float>()[o]) + norm.eps);
    for (float& w : std::span(dense.weight).subspan(o * row, row)) w = static_cast<float>(w * g);
    dense.bias[o] =
        static_cast<float>((static_cast<double>(dense.bias[o]) - mean.as<float>()[o]) * g + beta.as<float>()[o]);
  });
  return dense;
}

}  // namespace giemsa
