// What the contracts of Upsample, Threshold and UpsampleThreshold (tests/contract) leave to the kernels: threads,
// scratch, ties and refusals.
#include "kernels/cpu/layers/upsample.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "engine/base/tensor.h"
#include "engine/ops/upsample.h"
#include "tests/ops/compare.h"
#include "tests/ops/cpu_kernels.h"
#include "tests/ops/guarded.h"
#include "tests/ops/random.h"
#include "tests/ops/threads.h"
#include "tests/ops/upsample_cases.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

template <class T>
cpu::Nhwc view_of(T* data, cpu::Element element, std::int64_t images, Size2 size, std::int64_t channels) {
  return {reinterpret_cast<std::byte*>(data), element, images, size.h, size.w, channels, channels};
}

cpu::UpsampleParams params_of(const Upsample& op) {
  return {op.align_corners, op.edge == EdgeMode::zero};
}

cpu::UpsampleThresholdParams params_of(const UpsampleThresholdCase& c) {
  return {c.channels, cpu_extent(c.in), cpu_extent(c.out), c.align_corners, c.threshold, c.cells};
}

std::vector<float> upsampled(const Upsample& op, const UpsampleCase& c, const std::vector<float>& in) {
  Guarded<float> source{std::span(in)}, out(c.images * c.out.h * c.out.w * c.channels);
  Guarded<std::byte> scratch(static_cast<std::int64_t>(cpu::upsample_scratch_bytes(c.out.w, c.channels)));
  cpu::upsample(view_of(out.data(), cpu::Element::f32, c.images, c.out, c.channels),
                view_of(source.data(), cpu::Element::f32, c.images, c.in, c.channels), params_of(op), scratch.values());
  return {out.values().begin(), out.values().end()};
}

std::vector<float> input_of(const UpsampleCase& c) {
  return Random(17).floats(c.images * c.in.h * c.in.w * c.channels, -3, 3);
}

}  // namespace

TEST_CASE("upsample of bfloat16 is that of its fp32 values") {
  for (const UpsampleCase& c : upsample_cases) {
    SUBCASE(c.name) {
      std::vector<std::uint16_t> bits;
      std::vector<float> in = input_of(c);
      for (float& value : in) {
        bits.push_back(f32_to_bf16(value));
        value = bf16_to_f32(bits.back());
      }
      const Upsample op{c.out};
      Guarded<std::uint16_t> source{std::span(bits)};
      Guarded<float> out(c.images * c.out.h * c.out.w * c.channels);
      Guarded<std::byte> scratch(static_cast<std::int64_t>(cpu::upsample_scratch_bytes(c.out.w, c.channels)));
      cpu::upsample(view_of(out.data(), cpu::Element::f32, c.images, c.out, c.channels),
                    view_of(source.data(), cpu::Element::bf16, c.images, c.in, c.channels), params_of(op),
                    scratch.values());
      check_equal(out.values(), upsampled(op, c, in), rerun("upsample of bfloat16 is that of its fp32 values", c.name));
    }
  }
}

TEST_CASE("upsample with a zero edge is the fixed bilinear transposed convolution") {
  // Kernel 8, stride 4, crop 2: out[d] = sum of in[i] * (1 - |(d + 2) - 4 i - 3.5| / 4).
  const UpsampleCase c{"", 1, 1, {1, 5}, {1, 20}};
  const std::vector<float> in{1, -2, 3, 0.5f, 4};
  std::vector<double> expected(20);
  for (int d = 0; d < 20; ++d)
    for (int i = 0; i < 5; ++i)
      expected[static_cast<std::size_t>(d)] +=
          in[static_cast<std::size_t>(i)] * std::max(0.0, 1 - std::abs(d + 2 - 4 * i - 3.5) / 4);
  check_equal(upsampled({c.out, false, EdgeMode::zero}, c, in), expected, "all weights are eighths: exact");
}

TEST_CASE("upsample gives the same bits on any number of threads, even with scratch for one") {
  const UpsampleCase c{"", 3, 5, {9, 13}, {97, 61}};
  const std::vector<float> in = input_of(c);
  const Upsample op{c.out};
  const std::vector<float> first = upsampled(op, c, in);
  std::vector<std::byte> scratch_for_one;
  const cpu::Nhwc src = view_of(const_cast<float*>(in.data()), cpu::Element::f32, c.images, c.in, c.channels);
  with_thread_counts([&](int threads) {
    if (threads == 1) scratch_for_one.resize(cpu::upsample_scratch_bytes(c.out.w, c.channels));
    CHECK_EQ(upsampled(op, c, in), first);
    std::vector<float> out(first.size());
    cpu::upsample(view_of(out.data(), cpu::Element::f32, c.images, c.out, c.channels), src, params_of(op),
                  scratch_for_one);
    CHECK_EQ(out, first);
  });
  CHECK_THROWS_AS(cpu::upsample(src, src, params_of(op), {}), std::invalid_argument);
}

TEST_CASE("upsample_threshold equals upsample and then threshold, on any number of threads") {
  for (const UpsampleThresholdCase& c : upsample_threshold_cases) {
    SUBCASE(c.name) {
      const std::vector<float> logits = Random(23).floats(c.channels * c.in.h * c.in.w, -4, 4);
      const std::int64_t pixels = c.out.h * c.out.w;
      const Upsample plain{c.out, c.align_corners};
      const std::vector<float> large = upsampled(plain, {"", c.channels, 1, c.in, c.out}, logits);
      Guarded<float> source{std::span(large)};
      Guarded<std::uint8_t> expected(pixels);
      cpu::threshold(expected.data(), source.data(), c.channels, pixels, c.threshold, c.cells);
      with_thread_counts([&](int) {
        const cpu::UpsampleThresholdParams params = params_of(c);
        Guarded<std::uint8_t> mask(pixels);
        Guarded<std::byte> scratch(static_cast<std::int64_t>(cpu::upsample_threshold_scratch_bytes(params)));
        cpu::upsample_threshold(mask.data(), logits.data(), params, scratch.values());
        check_equal(mask.values(), expected.values(),
                    rerun("upsample_threshold equals upsample and then threshold, on any number of threads", c.name));
      });
    }
  }
}

TEST_CASE("threshold: ties, infinities and NaN") {
  constexpr float inf = INFINITY;
  const auto decide = [](std::vector<float> logits, std::int64_t channels, float threshold) {
    std::uint8_t mask = 7;
    cpu::threshold(&mask, logits.data(), channels, 1, threshold);
    return int{mask};
  };
  CHECK_EQ(decide({0.0f}, 1, 0.5f), 0);  // a sigmoid of exactly 0.5 does not exceed 0.5
  CHECK_EQ(decide({1e-30f}, 1, 0.5f), 1);
  CHECK_EQ(decide({inf}, 1, 0.5f), 1);
  CHECK_EQ(decide({NAN}, 1, 0.5f), 0);
  CHECK_EQ(decide({2.0f, 2.0f}, 2, 0.5f), 0);  // argmax takes the first of equals: the background
  CHECK_EQ(decide({2.0f, std::nextafter(2.0f, 3.0f)}, 2, 0.5f), 1);
  CHECK_EQ(decide({0.0f, 500.0f, -500.0f}, 3, 0.5f), 1);  // exp overflows to the right answer
  CHECK_EQ(decide({500.0f, 0.0f, 0.0f}, 3, 0.01f), 0);
  CHECK_EQ(decide({0.0f, 0.0f, 0.0f}, 3, 0.5f), 1);  // 2/3
  CHECK_EQ(decide({0.0f, 0.0f, 0.0f}, 3, 0.7f), 0);
  CHECK_EQ(decide({0.0f, NAN, 0.0f}, 3, 0.5f), 0);
}
