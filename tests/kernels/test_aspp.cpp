#include "kernels/aspp.h"

#include <doctest/doctest.h>

#include "tests/kernels/nhwc.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ref/conv2d.h"
#include "tests/ref/random.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::AsppBranch;
using kernels::AsppParams;

namespace {

struct AsppCase {
  const char* name;
  Shape input;
  int rates[3];
  bool bias, relu;
};

const AsppCase aspp_cases[] = {
    {"224 at stride 16", {1, 40, 14, 14}, {6, 12, 18}, true, true},
    {"224 at stride 32; only centre taps", {1, 16, 7, 7}, {12, 24, 36}, true, false},
    {"non-square", {2, 17, 9, 31}, {2, 4, 1}, false, true},
    {"one pixel", {3, 8, 1, 1}, {6, 12, 18}, true, true},
    {"one row", {1, 33, 1, 33}, {1, 6, 32}, true, false},
    {"equal rates", {1, 8, 5, 5}, {2, 2, 2}, true, false},
    {"a map beyond shared memory", {1, 9, 33, 65}, {6, 12, 18}, true, true},  // 2145 pixels of 32 bytes
};

template <class T>
void check_case(const AsppCase& c) {
  const std::int64_t in_channels = c.input[1];
  const int channels = padded<T>(in_channels);
  const Tensor input = ref::random_tensor(c.input, 1);
  std::vector<ref::Reference> expected;
  std::vector<std::vector<T>> weights;
  std::vector<std::vector<float>> biases;
  for (std::uint64_t r = 0; r < 3; ++r) {
    Weights of_branch;
    of_branch.weight = ref::random_tensor({in_channels, 1, 3, 3}, 2 + r);
    if (c.bias) of_branch.bias = ref::random_tensor({in_channels}, 5 + r);
    const Size2 rate{c.rates[r], c.rates[r]};
    const Conv2d op{.out_channels = in_channels,
                    .kernel = {3, 3},
                    .padding = rate,
                    .dilation = rate,
                    .groups = in_channels,
                    .activation = c.relu ? Activation::relu : Activation::none};
    expected.push_back(ref::conv2d(input, op, of_branch));
    weights.push_back(tap_major<T>(of_branch.weight));
    auto& bias = biases.emplace_back(static_cast<std::size_t>(channels));
    if (c.bias) std::ranges::copy(of_branch.bias.template as<float>(), bias.begin());
  }

  for (const int apart : {0, 16}) {
    const AsppParams params{.images = static_cast<int>(c.input[0]),
                            .channels = channels,
                            .map = {static_cast<int>(c.input[2]), static_cast<int>(c.input[3])},
                            .rates = {c.rates[0], c.rates[1], c.rates[2]},
                            .input_pixel_stride = channels + apart,
                            .output_pixel_stride = channels + 2 * apart,
                            .relu = c.relu};
    const std::vector<T> in = to_nhwc<T>(input, params.input_pixel_stride);
    in_all_thread_orders([&] {
      DeviceBuffer<T> device_in{std::span(in)};
      DeviceBuffer<T> w0{std::span<const T>(weights[0])}, w1{std::span<const T>(weights[1])},
          w2{std::span<const T>(weights[2])};
      DeviceBuffer<float> b0{std::span<const float>(biases[0])}, b1{std::span<const float>(biases[1])},
          b2{std::span<const float>(biases[2])};
      const std::int64_t elements = expected[0].shape.volume() / in_channels * params.output_pixel_stride;
      DeviceBuffer<T> out0(elements), out1(elements), out2(elements);
      const AsppBranch<T> branches[3] = {{out0.data(), w0.data(), c.bias ? b0.data() : nullptr},
                                         {out1.data(), w1.data(), c.bias ? b1.data() : nullptr},
                                         {out2.data(), w2.data(), c.bias ? b2.data() : nullptr}};
      kernels::aspp_depthwise(branches, device_in.data(), params, nullptr);
      const std::string how = cat("rerun: test_kernels -tc='aspp*' -sc='", c.name, "'");
      check_nhwc(out0, params.output_pixel_stride, expected[0], how);
      check_nhwc(out1, params.output_pixel_stride, expected[1], how);
      check_nhwc(out2, params.output_pixel_stride, expected[2], how);
    });
  }
}

}  // namespace

TEST_CASE("aspp_depthwise equals three convolutions in fp32 and fp16") {
  for (const AsppCase& c : aspp_cases) {
    SUBCASE(c.name) {
      check_case<float>(c);
      check_case<Half>(c);
    }
  }
}

TEST_CASE("aspp_depthwise refuses what it cannot do") {
  DeviceBuffer<Half> memory(4096);
  const AsppParams good{.channels = 8, .map = {2, 2}, .input_pixel_stride = 8, .output_pixel_stride = 8};
  const auto refuses = [&](const AsppParams& p, std::ptrdiff_t offset = 0) {
    const AsppBranch<Half> sound{memory.data() + 1024, memory.data() + 2048, nullptr};
    const AsppBranch<Half> branches[3] = {sound, sound, {sound.out, sound.weights + offset, nullptr}};
    CHECK_THROWS_AS(kernels::aspp_depthwise(branches, memory.data(), p, nullptr), std::invalid_argument);
  };
  refuses(good, 1);
  AsppParams p = good;
  p.rates[2] = 0;
  refuses(p);
  p = good;
  p.channels = 12;
  refuses(p);
  p = good;
  p.output_pixel_stride = 9;
  refuses(p);
  p = good;
  p.map = {1 << 14, 1 << 14};
  refuses(p);
}

TEST_CASE("aspp_depthwise: cost counts the input once") {
  const kernels::Cost cost = kernels::cost(AsppParams{.images = 2, .channels = 16, .map = {3, 5}}, 2);
  CHECK_EQ(cost.bytes, 2 * (4 * 2 * 3 * 5 * 16 + 3 * 9 * 16) + 4 * 3 * 16);
  CHECK_EQ(cost.flops, 2 * 27 * 2 * 3 * 5 * 16);
}
