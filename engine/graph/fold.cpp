#include "engine/graph/fold.h"

#include <algorithm>
#include <cmath>

#include "engine/base/simd.h"

namespace giemsa {

namespace {

GIEMSA_SIMD void scale_row(float* row, std::size_t count, double factor) {
  for (std::size_t i = 0; i < count; ++i) row[i] = static_cast<float>(row[i] * factor);
}

}  // namespace

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
#pragma omp parallel for schedule(static)
  for (std::size_t o = 0; o < outputs; ++o) {
    const double g = gamma.as<float>()[o] / std::sqrt(static_cast<double>(var.as<float>()[o]) + norm.eps);
    scale_row(dense.weight.data() + o * row, row, g);
    dense.bias[o] =
        static_cast<float>((static_cast<double>(dense.bias[o]) - mean.as<float>()[o]) * g + beta.as<float>()[o]);
  }
  return dense;
}

}  // namespace giemsa
