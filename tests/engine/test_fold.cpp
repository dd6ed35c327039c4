// Weights with a folded normalisation against conv -> batch norm written out.
#include "engine/fold.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/ref/random.h"
#include "tests/ref/reference.h"

namespace giemsa {

namespace {

constexpr double u = ref::unit_roundoff(DType::f32);

Node conv_node(std::int64_t outputs, bool bias) {
  Node node;
  node.name = "conv";
  node.op = Conv2d{.out_channels = outputs, .kernel = {3, 3}};
  node.weights.weight = ref::random_tensor({outputs, 5, 3, 3}, 1);
  if (bias) node.weights.bias = ref::random_tensor({outputs}, 2);
  return node;
}

FoldedNorm norm_of(std::int64_t outputs, float eps) {
  return {ref::random_tensor({outputs}, 3, -2, 2), ref::random_tensor({outputs}, 4), ref::random_tensor({outputs}, 5),
          ref::random_tensor({outputs}, 6, 0, 2), eps};
}

}  // namespace

TEST_CASE("fold without a norm copies the weights and makes a bias") {
  Node node = conv_node(7, true);
  const DenseWeights with = fold(node);
  CHECK(std::ranges::equal(with.weight, node.weights.weight.as<float>()));
  CHECK(std::ranges::equal(with.bias, node.weights.bias.as<float>()));
  node.weights.bias = Tensor();
  CHECK(fold(node).bias == std::vector<float>(7, 0.0f));
}

TEST_CASE("fold multiplies the norm in, rounding once") {
  for (const bool has_bias : {true, false}) {
    for (const float eps : {1e-5f, 1e-3f}) {
      Node node = conv_node(33, has_bias);
      const FoldedNorm norm = norm_of(33, eps);
      node.weights.norm = norm;
      const DenseWeights dense = fold(node);
      int wrong = 0;
      for (std::size_t o = 0; o < 33; ++o) {
        const double g = norm.gamma.as<float>()[o] / std::sqrt(norm.var.as<float>()[o] + static_cast<double>(eps));
        for (std::size_t i = o * 45; i < (o + 1) * 45; ++i) {
          const double expected = node.weights.weight.as<float>()[i] * g;
          wrong += !(std::abs(dense.weight[i] - expected) <= 1.001 * u * std::abs(expected));
        }
        const double bias = has_bias ? node.weights.bias.as<float>()[o] : 0.0f;
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
  Node node = conv_node(4, true);
  const DenseWeights expected = fold(node);
  node.weights.weight = to_float_type(node.weights.weight, DType::bf16);  // exact: random_tensor's grid
  node.weights.bias = to_float_type(node.weights.bias, DType::f16);
  const DenseWeights dense = fold(node);
  CHECK(dense.weight == expected.weight);
  CHECK(dense.bias == expected.bias);
}

}  // namespace giemsa
