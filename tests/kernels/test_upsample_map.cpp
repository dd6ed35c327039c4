#include "kernels/upsample_map.h"

#include <doctest/doctest.h>

#include "tests/kernels/slice.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/random.h"
#include "tests/ops/upsample_cases.h"
#include "tests/ref/random.h"
#include "tests/ref/upsample.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::UpsampleParams;

namespace {

constexpr double largest = 3;  // of the inputs

ref::Reference expected_of(const Upsample& op, const Tensor& input) {
  const Shape& in = input.shape();
  const Size2 in_size{in[2], in[3]};
  // The coordinate is rounded three times (slope at most 2 max|x| per sample, on either axis), its value six times.
  const double coordinate = 3.0 * static_cast<double>(std::max(in_size.h, in_size.w));
  ref::Reference expected({in[0], in[1], op.output.h, op.output.w}, 2 * 2 * coordinate + 6);
  ref::for_each_element(expected.shape, [&](auto n, auto c, auto y, auto x, std::size_t i) {
    const ref::Plane plane = [&](std::int64_t py, std::int64_t px) {
      return input.as<float>()[ref::at(in, n, c, py, px)];
    };
    expected.value[i] = ref::upsample_at(op, plane, in_size, y, x);
    expected.magnitude[i] = largest;
  });
  return expected;
}

template <class T>
void check_upsample(const Upsample& op, const Tensor& input, const ref::Reference& expected, const std::string& how) {
  for (const Placements& placed : placements)
    in_all_thread_orders([&] {
      Slice<T> in(input, placed.in), out(expected.shape, placed.out);
      kernels::upsample(out.data(), in.data(),
                        UpsampleParams{.images = static_cast<int>(input.shape()[0]),
                                       .channels = in.channels(),
                                       .in = extent_of({input.shape()[2], input.shape()[3]}),
                                       .out = extent_of(op.output),
                                       .align_corners = op.align_corners,
                                       .zero_outside = op.edge == EdgeMode::zero,
                                       .input_pixel_stride = in.stride(),
                                       .output_pixel_stride = out.stride()},
                        nullptr);
      out.check(expected, cat(placed.name, "; ", how));
    });
}

}  // namespace

TEST_CASE("upsample equals interpolation in double, in fp32 and fp16") {
  for (const UpsampleCase& c : upsample_cases) {
    SUBCASE(c.name) {
      const Tensor input = ref::random_tensor({c.images, c.channels, c.in.h, c.in.w}, 1, -largest, largest);
      for (const bool align_corners : {false, true})
        for (const EdgeMode edge : {EdgeMode::clamp, EdgeMode::zero}) {
          const Upsample op{c.out, align_corners, edge};
          const ref::Reference expected = expected_of(op, input);
          const std::string how = cat(align_corners ? "aligned, " : "", edge == EdgeMode::zero ? "zero outside, " : "",
                                      "rerun: test_kernels -tc='upsample equals*' -sc='", c.name, "'");
          check_upsample<float>(op, input, expected, how);
          check_upsample<Half>(op, input, expected, how);
        }
    }
  }
}

TEST_CASE("upsample from 1x1 is a broadcast to the bit") {
  for (const bool align_corners : {false, true}) {
    const Tensor input = Tensor::from({2, 33, 1, 1}, Random(1).floats(66, -largest, largest));
    const Upsample op{{31, 33}, align_corners};
    ref::Reference expected({2, 33, 31, 33}, 0);
    ref::for_each_element(expected.shape, [&](auto n, auto c, auto, auto, std::size_t i) {
      expected.value[i] = input.as<float>()[static_cast<std::size_t>(n * 33 + c)];
    });
    check_upsample<float>(op, input, expected, "rerun: test_kernels -tc='upsample from 1x1*'");
  }
}

TEST_CASE("upsample with zero outside is the fixed bilinear transposed convolution") {
  // Kernel 8, stride 4, crop 2: out[d] = sum of in[i] * (1 - |(d + 2) - 4 i - 3.5| / 4).
  const std::vector<float> in{1, -2, 3, 0.5f, 4};
  std::vector<double> expected(20);
  for (int d = 0; d < 20; ++d)
    for (int i = 0; i < 5; ++i)
      expected[static_cast<std::size_t>(d)] +=
          in[static_cast<std::size_t>(i)] * std::max(0.0, 1 - std::abs(d + 2 - 4 * i - 3.5) / 4);
  DeviceBuffer<float> device_in{std::span<const float>(in)}, out(20);
  kernels::upsample(out.data(), device_in.data(),
                    UpsampleParams{.channels = 1,
                                   .in = {1, 5},
                                   .out = {1, 20},
                                   .zero_outside = true,
                                   .input_pixel_stride = 1,
                                   .output_pixel_stride = 1},
                    nullptr);
  check_equal(out.values(), expected, "all weights are eighths: exact");
}

TEST_CASE("upsample refuses what it cannot do") {
  DeviceBuffer<float> memory(64);
  const UpsampleParams good{
      .channels = 2, .in = {2, 2}, .out = {2, 2}, .input_pixel_stride = 2, .output_pixel_stride = 2};
  const auto refuses = [&](const UpsampleParams& p) {
    CHECK_THROWS_AS(kernels::upsample(memory.data() + 32, memory.data(), p, nullptr), std::invalid_argument);
  };
  CHECK_NOTHROW(kernels::upsample(memory.data() + 32, memory.data(), good, nullptr));
  UpsampleParams p = good;
  p.channels = 0;
  refuses(p);
  p = good;
  p.in.w = 0;
  refuses(p);
  p = good;
  p.input_pixel_stride = 1;
  refuses(p);
  p = good;
  p.output_pixel_stride = 1;
  refuses(p);
  p = good;
  p.out = {1 << 16, 1 << 17};
  refuses(p);
}

TEST_CASE("upsample: cost counts each element once") {
  const kernels::Cost cost =
      kernels::cost(UpsampleParams{.images = 2, .channels = 16, .in = {3, 5}, .out = {12, 20}}, 2);
  CHECK_EQ(cost.bytes, 2 * 16 * (3 * 5 + 12 * 20) * 2);
  CHECK_EQ(cost.flops, 2 * 16 * 3 * (12 * 20 + 12 * 5));
}
