#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/ops/compare.h"
#include "tests/ops/cpu_kernels.h"
#include "tests/ops/guarded.h"
#include "tests/ops/random_picture.h"
#include "tests/ops/resize_cases.h"
#include "tests/ops/threads.h"
#include "tests/ref/resize.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

std::vector<std::uint8_t> resized(const ref::Picture& in, Size2 out, ResizeFilter filter) {
  Guarded<std::uint8_t> source{std::span(in.rgb)}, result(out.h * out.w * 3);
  Guarded<std::byte> tables(
      static_cast<std::int64_t>(cpu::resize_plan_bytes(cpu_extent(in.size), cpu_extent(out), cpu_filter(filter))));
  Guarded<std::byte> scratch(
      static_cast<std::int64_t>(cpu::resize_scratch_bytes(cpu_extent(in.size), cpu_extent(out))));
  cpu::Scratch memory(tables.values());
  const cpu::ResizePlan plan = cpu::plan_resize(cpu_extent(in.size), cpu_extent(out), cpu_filter(filter), memory);
  cpu::resize(plan, source.data(), in.size.w * 3, result.data(), scratch.values());
  return {result.values().begin(), result.values().end()};
}

/// A grey picture of one row.
ref::Picture grey_row(const std::vector<std::uint8_t>& levels) {
  ref::Picture picture({1, static_cast<std::int64_t>(levels.size())});
  for (std::size_t x = 0; x < levels.size(); ++x)
    for (std::int64_t c = 0; c < 3; ++c) picture.at(0, static_cast<std::int64_t>(x), c) = levels[x];
  return picture;
}

std::vector<int> first_channel(const std::vector<std::uint8_t>& rgb) {
  std::vector<int> levels;
  for (std::size_t i = 0; i < rgb.size(); i += 3) levels.push_back(rgb[i]);
  return levels;
}

}  // namespace

TEST_CASE("resize bilinear equals the integer reference") {
  for (const ResizeCase& c : resize_cases) {
    SUBCASE(c.name) {
      const ref::Picture in = random_picture(c.in, 11);
      check_equal(resized(in, c.out, ResizeFilter::bilinear), ref::resize(in, c.out, ResizeFilter::bilinear).rgb,
                  rerun("resize bilinear equals the integer reference", c.name));
    }
  }
}

TEST_CASE("resize bicubic is MATLAB's but for rounding boundaries") {
  for (const ResizeCase& c : resize_cases) {
    SUBCASE(c.name) {
      const ref::Picture in = random_picture(c.in, 11);
      const std::vector<std::uint8_t> actual = resized(in, c.out, ResizeFilter::bicubic);
      const std::vector<std::uint8_t> expected = ref::resize(in, c.out, ResizeFilter::bicubic).rgb;
      check_close(
          actual, expected, [](std::size_t) { return 1.0; },
          rerun("resize bicubic is MATLAB's but for rounding boundaries", c.name));
      // A pass changes a byte if its exact value is within taps * 255 * 2^-23 of a boundary: that share of a unit
      // interval, twice, in each pass; the second also passes on what the first changed in any of its taps.
      const auto taps = [](std::int64_t from, std::int64_t to) {
        return 4 * std::max(1.0, static_cast<double>(from) / static_cast<double>(to)) + 2;
      };
      const double ty = taps(c.in.h, c.out.h), tx = taps(c.in.w, c.out.w), share = 2 * 255 * 0x1p-23;
      const double expected_changes = share * (ty + tx + tx * ty * 2) * static_cast<double>(actual.size());
      double changes = 0;
      for (std::size_t i = 0; i < actual.size(); ++i) changes += actual[i] != expected[i];
      CHECK(changes <= 3 + 2 * expected_changes);
    }
  }
}

TEST_CASE("resize bicubic by hand") {
  // Twice as large: u = -0.25, 0.25, 0.75, ... in 0-based samples; weights at distances 1.75 0.75 0.25 1.25 are
  // -3/128 29/128 111/128 -9/128.
  const auto row = [](std::vector<std::uint8_t> levels, std::int64_t width) {
    return first_channel(resized(grey_row(levels), {1, width}, ResizeFilter::bicubic));
  };
  SUBCASE("a flat row stays flat") {
    CHECK_EQ(row({77, 77, 77}, 7), std::vector<int>(7, 77));
  }
  SUBCASE("an impulse shows the kernel") {
    // 128 * (-3 -9 29+... )/128: the mirror adds nothing this far from the edges.
    CHECK_EQ(row({0, 0, 0, 128, 0, 0, 0}, 14), (std::vector<int>{0, 0, 0, 0, 0, 29, 111, 111, 29, 0, 0, 0, 0, 0}));
  }
  SUBCASE("undershoot lowers a raised floor") {
    // floor 100 + 128 * weight
    CHECK_EQ(row({100, 100, 100, 228, 100, 100, 100}, 14),
             (std::vector<int>{100, 100, 100, 97, 91, 129, 211, 211, 129, 91, 97, 100, 100, 100}));
  }
  SUBCASE("the mirror repeats the edge pixel") {
    // At u = -0.25 samples -2 -1 0 1 are levels 1 0 0 1: (111 + 29) / 128 of the first, (-9 - 3) / 128 of the second.
    CHECK_EQ(row({128, 64}, 4)[0], 134);
  }
  SUBCASE("halving widens the kernel") {
    // u = 0.5 + 2i; distances 0.25 0.75 1.25 1.75 of half a sample: weights 111 29 -9 -3 of 256, both sides.
    CHECK_EQ(row({0, 0, 0, 0, 256 - 1, 0, 0, 0, 0, 0}, 5), (std::vector<int>{0, 29, 111, 0, 0}));
  }
}

TEST_CASE("resize gives the same bytes on any number of threads") {
  const ref::Picture in = random_picture({97, 131}, 11);
  for (ResizeFilter filter : {ResizeFilter::bilinear, ResizeFilter::bicubic}) {
    std::vector<std::uint8_t> first;
    with_thread_counts([&](int threads) {
      const std::vector<std::uint8_t> now = resized(in, {61, 67}, filter);
      if (threads == 1) first = now;
      CHECK_EQ(now, first);
    });
  }
}

TEST_CASE("resize refuses empty pictures and short scratch") {
  std::vector<std::byte> bytes(1 << 12);
  cpu::Scratch memory(bytes);
  CHECK_THROWS_AS(cpu::plan_resize({0, 5}, {3, 3}, cpu::ResizeFilter::bilinear, memory), std::invalid_argument);
  CHECK_THROWS_AS(cpu::plan_resize({5, 5}, {3, 0}, cpu::ResizeFilter::bicubic, memory), std::invalid_argument);
  CHECK_THROWS_AS(cpu::plan_resize({500, 500}, {300, 300}, cpu::ResizeFilter::bicubic, memory), std::invalid_argument);
}
