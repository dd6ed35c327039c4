#include "kernels/upsample.h"

#include <doctest/doctest.h>

#include "engine/base/tensor.h"
#include "tests/kernels/device_buffer.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/compare.h"
#include "tests/ops/random.h"
#include "tests/ops/upsample_cases.h"
#include "tests/ref/upsample.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::Half;
using kernels::UpsampleThresholdParams;

namespace {

/// Logits {h, w, stride}, of which `channels` count; the rest is NaN, as is what lies between pixels in an arena.
std::vector<float> logits_of(const UpsampleThresholdCase& c, int stride) {
  Random random(19);
  std::vector<float> logits(static_cast<std::size_t>(c.in.h * c.in.w * stride), NAN);
  for (std::size_t pixel = 0; pixel < logits.size(); pixel += static_cast<std::size_t>(stride))
    for (std::int64_t k = 0; k < c.channels; ++k)
      logits[pixel + static_cast<std::size_t>(k)] = f16_to_f32(f32_to_f16(random.uniform(-4, 4)));  // exact in both
  return logits;
}

UpsampleThresholdParams params_of(const UpsampleThresholdCase& c, int stride) {
  return {.channels = static_cast<int>(c.channels),
          .pixel_stride = stride,
          .in_h = static_cast<int>(c.in.h),
          .in_w = static_cast<int>(c.in.w),
          .out_h = static_cast<int>(c.out.h),
          .out_w = static_cast<int>(c.out.w),
          .align_corners = c.align_corners,
          .threshold = c.threshold,
          .cells = c.cells};
}

/// The coordinate is rounded three times (slope at most 2 max|x| per sample, on either axis), its value six times; two
/// such logits make a difference; exponentials, sum and limit add a few roundings.
double margin_tolerance(const UpsampleThresholdCase& c) {
  const double coordinate = 3.0 * static_cast<double>(std::max(c.in.h, c.in.w));
  return 2 * (2 * 2 * coordinate + 6) * 4 * 0x1p-24 + static_cast<double>(c.channels + 8) * 0x1p-23;
}

/// Checks every pixel whose decision does not hang on rounding.
void check_mask(const UpsampleThresholdCase& c, const std::vector<float>& logits, int stride,
                const std::vector<std::uint8_t>& mask) {
  for (std::int64_t y = 0; y < c.out.h; ++y)
    for (std::int64_t x = 0; x < c.out.w; ++x) {
      const auto logit = [&](std::int64_t channel) {
        const ref::Plane plane = [&](std::int64_t py, std::int64_t px) {
          return logits[static_cast<std::size_t>((py * c.in.w + px) * stride + channel)];
        };
        return ref::upsample_at({c.out, c.align_corners}, plane, c.in, y, x);
      };
      const double margin = ref::margin(logit, c.channels, double{c.threshold}, c.cells);
      const int actual = mask[static_cast<std::size_t>(y * c.out.w + x)];
      const bool right = actual == (margin > 0) || (actual <= 1 && std::abs(margin) <= margin_tolerance(c));
      REQUIRE_MESSAGE(right, "pixel ", y, ", ", x, " is ", actual, " at a margin of ", margin, "; ",
                      "rerun: -tc='upsample_threshold*' -sc='", c.name, "'");
    }
}

template <class T>
std::vector<std::uint8_t> run(const UpsampleThresholdParams& params, const std::vector<T>& logits) {
  DeviceBuffer<T> in{std::span(logits)};
  DeviceBuffer<std::uint8_t> mask(std::int64_t{params.out_h} * params.out_w);
  kernels::upsample_threshold(mask.data(), in.data(), params, nullptr);
  return mask.values();
}

std::vector<Half> to_halves(const std::vector<float>& values) {
  std::vector<Half> halves;
  for (float value : values) halves.push_back({f32_to_f16(value)});
  return halves;
}

}  // namespace

TEST_CASE("upsample_threshold decides as the exact probabilities do, outside their error") {
  for (const UpsampleThresholdCase& c : upsample_threshold_cases) {
    SUBCASE(c.name) {
      for (int padding : {0, 6}) {
        const int stride = static_cast<int>(c.channels) + padding;
        const std::vector<float> logits = logits_of(c, stride);
        in_all_thread_orders([&] {
          const std::vector<std::uint8_t> mask = run(params_of(c, stride), logits);
          check_mask(c, logits, stride, mask);
          check_equal(run(params_of(c, stride), to_halves(logits)), mask, "fp16 logits of equal values");
        });
      }
    }
  }
}

TEST_CASE("upsample_threshold: ties, infinities and NaN") {
  const auto decide = [](std::vector<float> logits, float threshold) {
    const auto channels = static_cast<int>(logits.size());
    return int{run(UpsampleThresholdParams{.channels = channels,
                                           .pixel_stride = channels,
                                           .in_h = 1,
                                           .in_w = 1,
                                           .out_h = 1,
                                           .out_w = 1,
                                           .threshold = threshold},
                   logits)[0]};
  };
  CHECK_EQ(decide({0.0f}, 0.5f), 0);  // a sigmoid of exactly 0.5 does not exceed 0.5
  CHECK_EQ(decide({1e-30f}, 0.5f), 1);
  CHECK_EQ(decide({NAN}, 0.5f), 0);
  CHECK_EQ(decide({2.0f, 2.0f}, 0.5f), 0);  // argmax takes the first of equals: the background
  CHECK_EQ(decide({2.0f, std::nextafter(2.0f, 3.0f)}, 0.5f), 1);
  CHECK_EQ(decide({0.0f, 500.0f, -500.0f}, 0.5f), 1);  // exp overflows to the right answer
  CHECK_EQ(decide({0.0f, 0.0f, 0.0f}, 0.5f), 1);       // 2/3
  CHECK_EQ(decide({0.0f, 0.0f, 0.0f}, 0.7f), 0);
  CHECK_EQ(decide({0.0f, NAN, 0.0f}, 0.5f), 0);
}

TEST_CASE("upsample_threshold refuses what it cannot do") {
  DeviceBuffer<float> logits(64);
  DeviceBuffer<std::uint8_t> mask(64);
  const UpsampleThresholdParams good{.channels = 2, .pixel_stride = 2, .in_h = 2, .in_w = 2, .out_h = 4, .out_w = 4};
  const auto refuses = [&](const UpsampleThresholdParams& p, std::ptrdiff_t mask_offset = 0) {
    CHECK_THROWS_AS(kernels::upsample_threshold(mask.data() + mask_offset, logits.data(), p, nullptr),
                    std::invalid_argument);
  };
  UpsampleThresholdParams p = good;
  refuses(p, 1);
  p.in_w = 0;
  refuses(p);
  p = good;
  p.pixel_stride = 1;
  refuses(p);
  p.pixel_stride = 3;
  refuses(p);
  p = good;
  p.threshold = 1;
  refuses(p);
  p = good;
  p.out_h = p.out_w = 1 << 16;
  refuses(p);
}

TEST_CASE("upsample_threshold: cost counts each logit and each mask byte once") {
  const kernels::Cost cost = kernels::cost(
      UpsampleThresholdParams{.channels = 2, .pixel_stride = 8, .in_h = 3, .in_w = 5, .out_h = 12, .out_w = 20}, 2);
  CHECK_EQ(cost.bytes, 3 * 5 * 2 * 2 + 12 * 20);
  CHECK_EQ(cost.flops, 12 * 20 * (9 * 2 + 20));
}
