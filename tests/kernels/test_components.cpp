#include "kernels/components.h"

#include <cstddef>

#include "tests/kernels/cleaned_mask.h"
#include "tests/kernels/thread_orders.h"

using namespace giemsa;
using namespace giemsa::test;

// The kernels' table is the engine's.
static_assert(sizeof(ComponentRecord) == sizeof(Region) && sizeof(ComponentCount) == sizeof(RegionCount));
static_assert(offsetof(ComponentRecord, x) == offsetof(Region, x) &&
              offsetof(ComponentRecord, y) == offsetof(Region, y));
static_assert(offsetof(ComponentRecord, w) == offsetof(Region, w) &&
              offsetof(ComponentRecord, h) == offsetof(Region, h));
static_assert(offsetof(ComponentRecord, area) == offsetof(Region, area));
static_assert(offsetof(ComponentRecord, reserved) == offsetof(Region, reserved));
static_assert(offsetof(ComponentRecord, sum_x) == offsetof(Region, sum_x));
static_assert(offsetof(ComponentRecord, sum_y) == offsetof(Region, sum_y));
static_assert(offsetof(ComponentCount, count) == offsetof(RegionCount, count));

namespace {

Cleaned clean_by_kernels(const std::vector<std::uint8_t>& mask, const ComponentsParams& params, bool in_place) {
  const std::int64_t pixels = std::int64_t{params.h} * params.w;
  DeviceBuffer<std::uint8_t> in{std::span(mask)}, out(pixels);
  DeviceBuffer<std::int32_t> labels(pixels);
  DeviceBuffer<Region> table(1 + params.capacity);
  DeviceBuffer<std::byte> workspace(static_cast<std::int64_t>(kernels::workspace_bytes(params)));
  DeviceBuffer<std::uint8_t>& clean = in_place ? in : out;
  kernels::clean_and_label(clean.data(), labels.data(), reinterpret_cast<ComponentCount*>(table.data()),
                           workspace.data(), in.data(), params, nullptr);
  return {clean.values(), labels.values(), table.values()};
}

/// In all thread orders, and in place.
void check_against_flood(const std::vector<std::uint8_t>& mask, Size2 size, std::int64_t min_area,
                         const std::string& how) {
  const Cleaned expected = clean_by_flood(mask, size, min_area);
  const ComponentsParams params = params_of(size, min_area);
  in_all_thread_orders([&] { check_same(clean_by_kernels(mask, params, false), expected, how); });
  check_same(clean_by_kernels(mask, params, true), expected, how + " in place");
}

}  // namespace

TEST_CASE("clean_and_label equals the flood fill") {
  for (const ComponentsCase& c : components_cases) {
    SUBCASE(c.name) {
      check_against_flood(make_mask(c.pattern, c.size), c.size, c.min_area,
                          cat("rerun: test_kernels -tc='clean_and_label equals the flood fill' -sc='", c.name, "'"));
    }
  }
}

// What the table of cases has within one tile or two, across many.
TEST_CASE("clean_and_label: shapes across many tiles, in both colours") {
  const Size2 size{129, 161};
  for (const Pattern pattern :
       {Pattern::spiral, Pattern::rings, Pattern::comb, Pattern::checkerboard, Pattern::diagonals, Pattern::full}) {
    std::vector<std::uint8_t> mask = make_mask(pattern, size);
    const std::string how = cat("pattern ", static_cast<int>(pattern));
    check_against_flood(mask, size, 1, how);
    for (std::uint8_t& pixel : mask) pixel = pixel == 0;
    check_against_flood(mask, size, 1, how + " inverted");
  }
}

TEST_CASE("clean_and_label: random masks") {
  Random random(5);
  for (int i = 0; i < 40; ++i) {
    const Size2 size{1 + static_cast<std::int64_t>(random.bits() % 75),
                     1 + static_cast<std::int64_t>(random.bits() % 75)};
    const std::vector<std::uint8_t> mask = noise(random, size, random.uniform(0.2f, 0.9f));
    check_against_flood(mask, size, static_cast<std::int64_t>(random.bits() % 6), cat("mask ", i));
  }
}

// An island in a hole in an island in a hole: all become one, with the outer one's label; whatever is inside counts.
TEST_CASE("clean_and_label: area opening sees holes filled, islands included") {
  const Size2 size{9, 9};
  std::vector<std::uint8_t> mask(81);
  for (std::int64_t y = 0; y < 9; ++y)
    for (std::int64_t x = 0; x < 9; ++x)
      mask[static_cast<std::size_t>(9 * y + x)] = std::min({y, x, 8 - y, 8 - x}) % 2 == 0;
  const auto cleaned = [&](int min_area) { return clean_by_kernels(mask, params_of(size, min_area), false); };
  CHECK_EQ(cleaned(82).table.size(), 1);
  const Cleaned all = cleaned(81);
  REQUIRE_EQ(all.table.size(), 2);
  CHECK_EQ(all.table[1], Region{0, 0, 9, 9, 81, 0, 4 * 81, 4 * 81});
}

// So many rows that a thread counts the roots of two words.
TEST_CASE("clean_and_label: a tall mask") {
  const Size2 size{65536 + 300, 1};
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(size.h));
  for (const std::size_t begin : {0u, 31u, 500u, 65000u, 65536u, 65700u}) std::fill_n(mask.begin() + begin, 40u, 1);
  mask[300] = mask[65600] = 1;
  check_same(clean_by_kernels(mask, params_of(size, 2), false), clean_by_flood(mask, size, 2), "tall");
}

TEST_CASE("clean_and_label: capacity and cost") {
  for (std::int64_t h : {1, 2, 7, 32})
    for (std::int64_t w : {1, 33})
      for (std::int64_t area : {-1, 0, 1, 2, 5, 200})
        CHECK_EQ(kernels::max_components(params_of({h, w}, area)), max_regions(h, w, area));
  CHECK_EQ(kernels::cost(ComponentsParams{.h = 10, .w = 20, .min_area = 40, .capacity = 5}).bytes, 200 * 6 + 6 * 40);
}

TEST_CASE("clean_and_label refuses what it cannot do") {
  const ComponentsParams good = params_of({8, 8}, 4);
  DeviceBuffer<std::uint8_t> mask(64);
  DeviceBuffer<std::int32_t> labels(64);
  DeviceBuffer<Region> table(1 + good.capacity);
  DeviceBuffer<std::byte> workspace(static_cast<std::int64_t>(kernels::workspace_bytes(good)));
  const auto refuses = [&](const ComponentsParams& params, int labels_offset = 0) {
    CHECK_THROWS_AS(kernels::clean_and_label(mask.data(), labels.data() + labels_offset,
                                             reinterpret_cast<ComponentCount*>(table.data()), workspace.data(),
                                             mask.data(), params, nullptr),
                    std::invalid_argument);
  };
  refuses(good, 1);
  ComponentsParams params = good;
  params.h = 0;
  refuses(params);
  params = good;
  --params.capacity;
  refuses(params);
  params = good;
  params.h = params.w = 1 << 15;
  ++params.h;
  params.capacity = std::int64_t{1} << 40;
  refuses(params);
}
