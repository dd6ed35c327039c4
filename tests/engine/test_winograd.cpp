// 3x3 convolutions that the CPU computes by Winograd's algorithm where it has AVX-512, against the reference of all
// convolutions; elsewhere they run as any other does, within the same bounds.
#include "tests/engine/building.h"
#include "tests/engine/running.h"
#include "tests/ref/random.h"
#include "tests/ref/winograd.h"

namespace giemsa {

namespace {

struct WinogradCase {
  std::string name;
  Shape input;
  std::int64_t outputs;
  Size2 padding{1, 1}, dilation{1, 1};
  Activation activation = Activation::none;
  bool bias = true;
};

std::vector<WinogradCase> cases() {
  constexpr auto relu = Activation::relu, relu6 = Activation::relu6;
  return {
      {"even", {1, 64, 8, 8}, 64},
      {"odd and several images", {3, 64, 7, 9}, 80, {1, 1}, {1, 1}, relu, false},
      {"odd and relu6", {1, 64, 9, 7}, 64, {1, 1}, {1, 1}, relu6},
      {"narrower than a tile reads", {1, 80, 3, 2}, 96},
      {"unpadded", {1, 64, 8, 9}, 64, {0, 0}},
      {"larger than its input", {2, 64, 5, 5}, 64, {2, 2}},
      {"padding of its rows alone", {1, 64, 6, 9}, 112, {1, 0}},
      {"dilation 2", {1, 64, 14, 14}, 64, {2, 2}, {2, 2}, relu},
      {"dilation 3 and no multiple of its tiles", {2, 96, 13, 11}, 64, {3, 3}, {3, 3}},
      {"dilation of its columns alone", {1, 64, 9, 12}, 64, {1, 2}, {1, 2}},
      {"more tiles than are transformed at once", {1, 320, 31, 29}, 64, {1, 1}, {1, 1}, relu},
      // What the algorithm would not pay for: fewer channels, a tile a pixel.
      {"48 outputs", {1, 64, 8, 8}, 48},
      {"one pixel", {1, 64, 1, 1}, 64},
      {"dilation 12 of a small map", {1, 64, 7, 7}, 64, {12, 12}, {12, 12}},
  };
}

Conv2d op_of(const WinogradCase& item) {
  return {.out_channels = item.outputs,
          .kernel = {3, 3},
          .padding = item.padding,
          .dilation = item.dilation,
          .activation = item.activation};
}

}  // namespace

TEST_CASE("3x3 convolutions of many channels on the CPU") {
  for (const WinogradCase& item : cases()) {
    SUBCASE(item.name.c_str()) {
      const Conv2d op = op_of(item);
      Weights weights;
      weights.weight = ref::random_tensor({item.outputs, item.input[1], 3, 3}, 2);
      if (item.bias) weights.bias = ref::random_tensor({item.outputs}, 3);
      const Tensor input = ref::random_tensor(item.input, 1);
      const auto add = [&](Graph& graph, const std::vector<ValueId>& inputs) {
        return graph.add("conv", op, inputs, weights);
      };
      test::check_op("3x3 convolutions of many channels on the CPU", item.name, add, {input},
                     ref::conv2d_by_winograd(input, op, weights));
    }
  }
}

// The same bits, whether pixels have gaps between them or not.
TEST_CASE("3x3 convolutions read and write slices of a concatenation") {
  const Conv2d op = test::square(64, 3);
  const auto build = [&](bool joined) {
    test::Net net;
    const ValueId x = net.input("x", {2, 64, 7, 6});
    const ValueId a = net.conv("a", x, op, true), b = net.conv("b", x, op, true), c = net.conv("c", b, op, true);
    if (joined) {
      net.output(net.concat("concat", {a, b}));
    } else {
      net.output(a);
      net.output(b);
    }
    net.output(c);
    return net.graph;
  };
  const Tensor x = ref::random_tensor({2, 64, 7, 6}, 1);
  const test::Outputs apart = test::run(test::cpu(), build(false), std::vector{x});
  const test::Outputs joined = test::run(test::cpu(), build(true), std::vector{x});
  test::Outputs expected{{}, apart[2]};
  const std::size_t plane = 64 * 7 * 6;
  for (std::size_t n = 0; n < 2; ++n)
    for (const auto& part : {apart[0], apart[1]})
      expected[0].insert(expected[0].end(), part.begin() + static_cast<std::ptrdiff_t>(n * plane),
                         part.begin() + static_cast<std::ptrdiff_t>((n + 1) * plane));
  CHECK(test::same_bits(joined, expected));
}

}  // namespace giemsa
