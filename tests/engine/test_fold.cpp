// Weights with a folded normalisation against conv -> batch norm written out.
#include "engine/graph/fold.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/ref/random.h"
#include "tests/ref/reference.h"

namespace giemsa {

namespace {

constexpr double u = ref::unit_roundoff(DType::f32);

Weights convolution(std::int64_t outputs, bool bias) {
  Weights weights;
  weights.weight = ref::random_tensor({outputs, 5, 3, 3}, 1);
  if (bias) weights.bias = ref::random_tensor({outputs}, 2);
  return weights;
}

FoldedNorm norm_of(std::int64_t outputs, float eps) {
  return {ref::random_tensor({outputs}, 3, -2, 2), ref::random_tensor({outputs}, 4), ref::random_tensor({outputs}, 5),
          ref::random_tensor({outputs}, 6, 0, 2), eps};
}

}  // namespace

TEST_CASE("fold without a norm copies the weights and makes a bias") {
  Weights layer = convolution(7, true);
  const DenseWeights with = fold(layer);
  CHECK(std::ranges::equal(with.weight, layer.weight.as<float>()));
  CHECK(std::ranges::equal(with.bias, layer.bias.as<float>()));
  layer.bias = Tensor();
  CHECK(fold(layer).bias == std::vector<float>(7, 0.0f));
}

TEST_CASE("fold multiplies the norm in, rounding once") {
  for (const bool has_bias : {true, false}) {
    for (const float eps : {1e-5f, 1e-3f}) {
      Weights layer = convolution(33, has_bias);
      const FoldedNorm norm = norm_of(33, eps);
      layer.norm = norm;
      const DenseWeights dense = fold(layer);
      int wrong = 0;
      for (std::size_t o = 0; o < 33; ++o) {
        const double g = norm.gamma.as<float>()[o] / std::sqrt(norm.var.as<float>()[o] + static_cast<double>(eps));
        for (std::size_t i = o * 45; i < (o + 1) * 45; ++i) {
          const double expected = layer.weight.as<float>()[i] * g;
          wrong += !(std::abs(dense.weight[i] - expected) <= 1.001 * u * std::abs(expected));
        }
        const double bias = has_bias ? layer.bias.as<float>()[o] : 0.0f;
        const double expected = (bias - norm.mean.as<float>()[o]) * g + norm.beta.as<float>()[o];
        // fp64 cancellation is far below one fp32 rounding of the terms.
        wrong +=
            !(std::abs(dense.bias[o] - expected) <= 1.001 * u * std::abs(expected) + 1e-15 * (std::abs(g) * 2 + 1));
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("fold reads weights of any floating type") {
  Weights layer = convolution(4, true);
  const DenseWeights expected = fold(layer);
  layer.weight = to_float_type(layer.weight, DType::bf16);  // exact: random_tensor's grid
  layer.bias = to_float_type(layer.bias, DType::f16);
  const DenseWeights dense = fold(layer);
  CHECK(dense.weight == expected.weight);
  CHECK(dense.bias == expected.bias);
}

}  // namespace giemsa
