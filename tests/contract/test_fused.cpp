// What the CUDA backend's passes make of depthwise convolutions, SeparableConv2d and AsppDepthwise, on integers: every
// sum is exact in fp16.
#include "tests/contract/contract.h"
#include "tests/ref/conv2d.h"

namespace giemsa {

namespace {

const std::string no_such_layer = "the CPU's passes make no such layer";

Weights integer_weights(const Shape& shape, std::uint64_t seed, bool bias) {
  Weights weights;
  weights.weight = contract::integers(shape, seed);
  if (bias) weights.bias = contract::integers({shape[0]}, seed + 1);
  return weights;
}

Tensor exact(const ref::Reference& reference) {
  std::vector<float> values;
  for (const double value : reference.value) {
    REQUIRE(std::abs(value) <= 2048);  // whole numbers up to here are fp16
    values.push_back(static_cast<float>(value));
  }
  return Tensor::from(reference.shape, std::move(values));
}

struct AsppCase {
  const char* name;
  Shape input;
  std::array<std::int64_t, 3> rates;
  bool bias;
  Activation activation;
};

const AsppCase aspp_cases[] = {
    {"224 at stride 16", {1, 40, 14, 14}, {6, 12, 18}, true, Activation::relu},
    {"224 at stride 32: only centre taps", {1, 16, 7, 7}, {12, 24, 36}, true, Activation::none},
    {"not square", {2, 17, 9, 31}, {2, 4, 1}, false, Activation::relu},
    {"one pixel", {3, 8, 1, 1}, {6, 12, 18}, true, Activation::relu},
    {"one row", {1, 33, 1, 33}, {1, 6, 32}, true, Activation::none},
    {"equal rates", {1, 1, 5, 5}, {2, 2, 2}, true, Activation::none},
};

struct SeparableCase {
  const char* name;
  Shape input;
  std::int64_t out_channels;
  Size2 stride, dilation;
  Activation depthwise, pointwise;
};

// Channels are whole vectors: the pass fuses no others. Maps are small enough for fusing to pay off.
const SeparableCase separable_cases[] = {
    {"one pixel", {1, 8, 1, 1}, 1, {1, 1}, {1, 1}, Activation::none, Activation::relu},
    {"one row", {1, 40, 1, 33}, 31, {1, 1}, {1, 1}, Activation::relu, Activation::relu},
    {"not square", {1, 72, 5, 13}, 64, {1, 1}, {1, 1}, Activation::relu, Activation::none},
    {"stride 2", {1, 24, 9, 7}, 24, {2, 2}, {1, 1}, Activation::none, Activation::relu},
    {"rate 12", {1, 64, 14, 14}, 24, {1, 1}, {12, 12}, Activation::relu6, Activation::relu},
};

}  // namespace

GIEMSA_CONTRACT(AsppDepthwise) {
  for (const AsppCase& item : aspp_cases) {
    SUBCASE(item.name) {
      const std::int64_t channels = item.input[1];
      const Tensor input = contract::integers(item.input, 1);
      const AsppDepthwise op{item.rates, item.activation};
      contract::Contract contract{.name = item.name, .op = op, .inputs = {input}, .outputs = {}};
      for (std::size_t i = 0; i < op.rates.size(); ++i) {
        contract.weights.push_back(integer_weights({channels, 1, 3, 3}, 2 + 2 * i, item.bias));
        contract.outputs.push_back(exact(ref::conv2d(input, op.branch(i, channels), contract.weights[i])));
      }
      contract.stores_results = true;
      contract.cpu_refuses = no_such_layer;
      contract::check(contract);
    }
  }
}

// In fp16 alone: no pass makes it in fp32.
GIEMSA_CONTRACT(SeparableConv2d) {
  for (const SeparableCase& item : separable_cases) {
    SUBCASE(item.name) {
      const std::int64_t channels = item.input[1];
      // Few and small numbers: sums of as many products as there are channels stay below 2048.
      const auto signs = [](const Tensor& tensor) {
        std::vector<float> values;
        for (const float value : tensor.as<float>()) values.push_back(value > 3 ? 1 : value < -3 ? -1 : 0);
        return Tensor::from(tensor.shape(), std::move(values));
      };
      const Tensor input = contract::integers(item.input, 1);
      Weights first = integer_weights({channels, 1, 3, 3}, 2, true);
      first.weight = signs(first.weight);
      Weights second = integer_weights({item.out_channels, channels, 1, 1}, 4, true);
      second.weight = signs(second.weight);
      const Conv2d depthwise{.out_channels = channels,
                             .kernel = {3, 3},
                             .stride = item.stride,
                             .padding = item.dilation,
                             .dilation = item.dilation,
                             .groups = channels,
                             .activation = item.depthwise};
      const Conv2d pointwise{.out_channels = item.out_channels, .activation = item.pointwise};
      const Tensor between = exact(ref::conv2d(input, depthwise, first));
      const contract::Contract contract{.name = item.name,
                                        .op = SeparableConv2d{depthwise, pointwise},
                                        .inputs = {input},
                                        .outputs = {exact(ref::conv2d(between, pointwise, second))},
                                        .weights = {first, second},
                                        .stores_results = true,
                                        .cpu_refuses = no_such_layer};
      contract::check(contract, *make_cpu_backend({}));
      contract::check(contract, *make_cuda_backend({.precision = DType::f16}));
    }
  }
}

}  // namespace giemsa
