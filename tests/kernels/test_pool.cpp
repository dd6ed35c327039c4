#include "kernels/pool.h"

#include <doctest/doctest.h>

#include "tests/kernels/nhwc.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/adaptive_avg_pool_cases.h"
#include "tests/ops/max_pool_cases.h"
#include "tests/ref/adaptive_avg_pool.h"
#include "tests/ref/max_pool.h"
#include "tests/ref/random.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::AveragePoolParams;
using kernels::MaxPoolParams;

namespace {

/// Runs `pool(out, in)` with the pixel strides in `params` and compares.
template <class T, class Params, class Pool>
void check_pool(const Tensor& input, const ref::Reference& expected, Params params, const Pool& pool,
                const std::string& how) {
  params.images = static_cast<int>(input.shape()[0]);
  params.channels = padded<T>(input.shape()[1]);
  params.in = extent_of({input.shape()[2], input.shape()[3]});
  params.out = extent_of({expected.shape[2], expected.shape[3]});
  for (const int apart : {0, 16}) {
    params.input_pixel_stride = params.channels + apart;
    params.output_pixel_stride = params.channels + 2 * apart;
    const std::vector<T> in = to_nhwc<T>(input, params.input_pixel_stride);
    in_all_thread_orders([&] {
      DeviceBuffer<T> device_in{std::span(in)};
      DeviceBuffer<T> out(expected.shape.volume() / expected.shape[1] * params.output_pixel_stride);
      pool(out.data(), device_in.data(), params);
      check_nhwc(out, params.output_pixel_stride, expected, how);
    });
  }
}

template <class T>
void check_case(const MaxPoolCase& c) {
  const Tensor input = ref::random_tensor(c.input, 1, -3, -1);  // a padding of 0 would win
  const MaxPoolParams params{
      .window = {extent_of(c.op.kernel), extent_of(c.op.stride), extent_of(c.op.padding), {1, 1}}};
  check_pool<T>(
      input, ref::max_pool(input, c.op), params,
      [](T* out, const T* in, const MaxPoolParams& p) { kernels::max_pool(out, in, p, nullptr); },
      cat("rerun: test_kernels -tc='max_pool equals*' -sc='", c.name, "'"));
}

template <class T>
void check_case(const AdaptiveAvgPoolCase& c) {
  const Tensor input = ref::random_tensor(c.input, 1);
  check_pool<T>(
      input, ref::adaptive_avg_pool(input, c.op), AveragePoolParams{},
      [](T* out, const T* in, const AveragePoolParams& p) { kernels::average_pool(out, in, p, nullptr); },
      cat("rerun: test_kernels -tc='average_pool equals*' -sc='", c.name, "'"));
}

}  // namespace

TEST_CASE("max_pool equals its reference in fp32 and fp16") {
  for (const MaxPoolCase& c : max_pool_cases()) {
    SUBCASE(c.name.c_str()) {
      check_case<float>(c);
      check_case<Half>(c);
    }
  }
}

TEST_CASE("max_pool passes a NaN on, wherever in the window it is") {
  const MaxPoolParams params{.channels = 4,
                             .in = {1, 3},
                             .out = {1, 1},
                             .window = {.kernel = {1, 3}},
                             .input_pixel_stride = 4,
                             .output_pixel_stride = 4};
  std::vector<float> in(12, 1.0f);
  for (std::size_t channel = 0; channel < 3; ++channel) in[channel * 4 + channel] = NAN;  // pixel i, channel i
  DeviceBuffer<float> device_in{std::span<const float>(in)}, out(4);
  kernels::max_pool(out.data(), device_in.data(), params, nullptr);
  const std::vector<float> values = out.values();
  for (std::size_t channel = 0; channel < 3; ++channel) CHECK(std::isnan(values[channel]));
  CHECK_EQ(values[3], 1.0f);
}

TEST_CASE("average_pool equals its reference in fp32 and fp16") {
  for (const AdaptiveAvgPoolCase& c : adaptive_avg_pool_cases()) {
    SUBCASE(c.name.c_str()) {
      check_case<float>(c);
      check_case<Half>(c);
    }
  }
}

TEST_CASE("pooling refuses what it cannot do") {
  DeviceBuffer<Half> memory(4096);
  const MaxPoolParams good_max{
      .channels = 8, .in = {2, 2}, .out = {2, 2}, .window = {}, .input_pixel_stride = 8, .output_pixel_stride = 8};
  const auto refuses_max = [&](const MaxPoolParams& p, std::ptrdiff_t offset = 0) {
    CHECK_THROWS_AS(kernels::max_pool(memory.data() + 2048 + offset, memory.data(), p, nullptr), std::invalid_argument);
  };
  refuses_max(good_max, 1);
  MaxPoolParams max = good_max;
  max.channels = 7;
  refuses_max(max);
  max = good_max;
  max.window.kernel.w = 0;
  refuses_max(max);
  max = good_max;
  max.out.h = 0;
  refuses_max(max);

  const AveragePoolParams good{
      .channels = 8, .in = {2, 2}, .out = {2, 2}, .input_pixel_stride = 8, .output_pixel_stride = 8};
  const auto refuses = [&](const AveragePoolParams& p, std::ptrdiff_t offset = 0) {
    CHECK_THROWS_AS(kernels::average_pool(memory.data() + 2048, memory.data() + offset, p, nullptr),
                    std::invalid_argument);
  };
  refuses(good, 1);
  AveragePoolParams average = good;
  average.output_pixel_stride = 7;
  refuses(average);
  average = good;
  average.out = {256, 256};
  refuses(average);
  average = good;
  average.in.w = 1 << 15;
  refuses(average);
}

TEST_CASE("pooling: cost counts each element once") {
  const kernels::Cost max = kernels::cost(
      MaxPoolParams{.images = 2, .channels = 16, .in = {5, 7}, .out = {2, 3}, .window = {.kernel = {3, 2}}}, 2);
  CHECK_EQ(max.bytes, 2 * 16 * (5 * 7 + 2 * 3) * 2);
  CHECK_EQ(max.flops, 2 * 16 * 2 * 3 * 6);
  const kernels::Cost average =
      kernels::cost(AveragePoolParams{.images = 2, .channels = 16, .in = {5, 7}, .out = {1, 1}}, 4);
  CHECK_EQ(average.bytes, 2 * 16 * (5 * 7 + 1) * 4);
  CHECK_EQ(average.flops, 2 * 16 * 5 * 7);
}
