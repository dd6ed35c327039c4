#include "kernels/depthwise.h"

#include <doctest/doctest.h>

#include "tests/kernels/nhwc.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/conv2d_cases.h"
#include "tests/ref/conv2d.h"
#include "tests/ref/random.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::DepthwiseParams;

namespace {

bool is_depthwise(const Conv2dCase& c) {
  return c.op.groups == c.input[1] && c.op.out_channels == c.input[1] && !c.op.residual;
}

template <class T>
void check_case(const Conv2dCase& c) {
  Weights weights;
  weights.weight = ref::random_tensor({c.op.out_channels, 1, c.op.kernel.h, c.op.kernel.w}, 2, -c.reach, c.reach);
  if (c.bias) weights.bias = ref::random_tensor({c.op.out_channels}, 3);
  const Tensor input = ref::random_tensor(c.input, 1, -c.reach, c.reach);
  const ref::Reference expected = ref::conv2d(input, c.op, weights);

  const int channels = padded<T>(c.input[1]);
  std::vector<float> bias(static_cast<std::size_t>(channels));
  if (c.bias) std::ranges::copy(weights.bias.as<float>(), bias.begin());
  for (const int apart : {0, 16}) {
    const DepthwiseParams params{
        .images = static_cast<int>(c.input[0]),
        .channels = channels,
        .in = extent_of({c.input[2], c.input[3]}),
        .out = extent_of({expected.shape[2], expected.shape[3]}),
        .window = {extent_of(c.op.kernel), extent_of(c.op.stride), extent_of(c.op.padding), extent_of(c.op.dilation)},
        .input_pixel_stride = channels + apart,
        .output_pixel_stride = channels + 2 * apart,
        .relu = c.op.activation != Activation::none,
        .ceiling = ceiling_of(c.op.activation)};
    const std::vector<T> in = to_nhwc<T>(input, params.input_pixel_stride), taps = tap_major<T>(weights.weight);
    in_all_thread_orders([&] {
      DeviceBuffer<T> device_in{std::span(in)}, device_taps{std::span(taps)};
      DeviceBuffer<float> device_bias{std::span<const float>(bias)};
      DeviceBuffer<T> out(expected.shape.volume() / c.input[1] * params.output_pixel_stride);
      kernels::depthwise(out.data(), device_in.data(), device_taps.data(), c.bias ? device_bias.data() : nullptr,
                         params, nullptr);
      check_nhwc(out, params.output_pixel_stride, expected,
                 cat("rerun: test_kernels -tc='depthwise*' -sc='", c.name, "'"));
    });
  }
}

}  // namespace

TEST_CASE("depthwise equals its reference in fp32 and fp16") {
  int cases = 0;
  for (const Conv2dCase& c : conv2d_cases()) {
    if (!is_depthwise(c)) continue;
    ++cases;
    SUBCASE(c.name.c_str()) {
      check_case<float>(c);
      check_case<Half>(c);
    }
  }
  CHECK_GE(cases, 9);
}

TEST_CASE("depthwise keeps NaN through relu") {
  const std::vector<float> in(4, NAN), weight(4, 1.0f);
  DeviceBuffer<float> device_in{std::span(in)}, device_weight{std::span(weight)}, out(4);
  const DepthwiseParams params{.channels = 4,
                               .in = {1, 1},
                               .out = {1, 1},
                               .window = {},
                               .input_pixel_stride = 4,
                               .output_pixel_stride = 4,
                               .relu = true};
  kernels::depthwise<float>(out.data(), device_in.data(), device_weight.data(), nullptr, params, nullptr);
  for (const float value : out.values()) CHECK(std::isnan(value));
}

TEST_CASE("depthwise refuses what it cannot do") {
  DeviceBuffer<Half> memory(4096);
  const DepthwiseParams good{.channels = 8,
                             .in = {2, 2},
                             .out = {2, 2},
                             .window = {.kernel = {1, 1}},
                             .input_pixel_stride = 8,
                             .output_pixel_stride = 8};
  const auto refuses = [&](const DepthwiseParams& p, std::ptrdiff_t offset = 0) {
    CHECK_THROWS_AS(kernels::depthwise<Half>(memory.data() + 1024, memory.data() + offset, memory.data() + 2048,
                                             nullptr, p, nullptr),
                    std::invalid_argument);
  };
  refuses(good, 1);
  DepthwiseParams p = good;
  p.channels = 4;
  refuses(p);
  p = good;
  p.input_pixel_stride = 12;
  refuses(p);
  p.input_pixel_stride = 0;
  refuses(p);
  p = good;
  p.window.stride.h = 0;
  refuses(p);
  p = good;
  p.out = {1 << 17, 1 << 16};
  refuses(p);
}

TEST_CASE("depthwise: cost counts each element once") {
  const kernels::Cost cost = kernels::cost(
      DepthwiseParams{.images = 2, .channels = 16, .in = {3, 5}, .out = {2, 3}, .window = {.kernel = {3, 3}}}, 2);
  CHECK_EQ(cost.bytes, 2 * 16 * (2 * 3 * 5 + 2 * 2 * 3 + 9) + 4 * 16);
  CHECK_EQ(cost.flops, 2 * 9 * 2 * 2 * 3 * 16);
}
