// What the contracts of the component ops (tests/contract) leave to the kernels: many masks, threads, guard bands and
// refusals.
#include <doctest/doctest.h>

#include <stdexcept>

#include "engine/base/check.h"
#include "tests/ops/compare.h"
#include "tests/ops/components_cases.h"
#include "tests/ops/cpu_kernels.h"
#include "tests/ops/guarded.h"
#include "tests/ops/threads.h"
#include "tests/ref/components.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

/// Everything that comes out of a mask.
struct Cleaned {
  std::int32_t count = 0;
  std::vector<std::uint8_t> mask;
  std::vector<std::int32_t> labels;
  std::vector<Region> regions;
};

std::vector<Region> regions_of(std::span<Region> table) {
  RegionCount head;
  std::memcpy(&head, table.data(), sizeof(head));
  const std::span<Region> records = table.subspan(1);
  REQUIRE_LE(static_cast<std::size_t>(head.count), records.size());
  for (std::size_t i = static_cast<std::size_t>(head.count); i < records.size(); ++i) CHECK_EQ(records[i], Region{});
  return {records.begin(), records.begin() + head.count};
}

Cleaned clean_at_once(const std::vector<std::uint8_t>& mask, Size2 size, std::int64_t min_area) {
  const std::int64_t pixels = size.h * size.w, capacity = max_regions(size.h, size.w, min_area);
  Guarded<std::uint8_t> in{std::span(mask)};
  Guarded<std::int32_t> labels(pixels);
  Guarded<Region> table(1 + capacity);
  Guarded<std::byte> scratch(static_cast<std::int64_t>(cpu::components_scratch_bytes(cpu_extent(size))));
  const std::int32_t count = cpu::clean_and_label(in.data(), cpu_extent(size), min_area, labels.data(),
                                                  component_table(table.data()), capacity, scratch.values());
  std::vector<std::uint8_t> opened;
  for (const std::int32_t label : labels.values()) opened.push_back(label != 0);
  return {count, opened, {labels.values().begin(), labels.values().end()}, regions_of(table.values())};
}

Cleaned clean_by_flood(const std::vector<std::uint8_t>& mask, Size2 size, std::int64_t min_area) {
  Cleaned out;
  out.mask = ref::area_open(ref::fill_holes(mask, size), size, min_area);
  out.count = ref::label(out.mask, size, 0, out.labels);
  out.regions = ref::regions(out.labels, size, out.count);
  return out;
}

void check_same(const Cleaned& actual, const Cleaned& expected, const std::string& how) {
  check_equal(actual.mask, expected.mask, how);
  check_equal(actual.labels, expected.labels, how);
  CHECK_EQ(actual.count, expected.count);
  CHECK_EQ(actual.regions, expected.regions);
}

}  // namespace

TEST_CASE("fill_holes may write where it reads") {
  for (const ComponentsCase& c : components_cases) {
    SUBCASE(c.name) {
      const std::vector<std::uint8_t> mask = make_mask(c.pattern, c.size);
      Guarded<std::uint8_t> in{std::span(mask)};
      Guarded<std::byte> scratch(static_cast<std::int64_t>(cpu::components_scratch_bytes(cpu_extent(c.size))));
      cpu::fill_holes(in.data(), cpu_extent(c.size), in.data(), scratch.values());
      check_equal(in.values(), ref::fill_holes(mask, c.size), rerun("fill_holes may write where it reads", c.name));
    }
  }
}

TEST_CASE("components: many small random masks") {
  Random random(5);
  for (int i = 0; i < 2000; ++i) {
    const Size2 size{1 + static_cast<std::int64_t>(random.bits() % 9),
                     1 + static_cast<std::int64_t>(random.bits() % 11)};
    const float density = random.uniform(0.2f, 0.9f);
    std::vector<std::uint8_t> mask(static_cast<std::size_t>(size.h * size.w));
    for (auto& pixel : mask) pixel = random.uniform(0, 1) < density;
    const auto min_area = static_cast<std::int64_t>(random.bits() % 6);
    check_same(clean_at_once(mask, size, min_area), clean_by_flood(mask, size, min_area), cat("mask ", i));
  }
}

TEST_CASE("area opening keeps 200 pixels and drops 199") {
  const Size2 size{40, 41};
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(size.h * size.w));
  for (std::size_t i = 0; i < 200; ++i) mask[(i / 20) * 41 + i % 20] = 1;
  for (std::size_t i = 0; i < 199; ++i) mask[(i / 20 + 20) * 41 + i % 20] = 1;
  const Cleaned cleaned = clean_at_once(mask, size, 200);
  REQUIRE_EQ(cleaned.count, 1);
  CHECK_EQ(cleaned.regions[0], Region{0, 0, 20, 10, 200, 0, 1900, 900});
}

TEST_CASE("components give the same labels on any number of threads") {
  const Size2 size{97, 131};
  const std::vector<std::uint8_t> mask = make_mask(Pattern::blobs, size);
  const Cleaned expected = clean_by_flood(mask, size, 40);
  with_thread_counts(
      [&](int threads) { check_same(clean_at_once(mask, size, 40), expected, cat(threads, " threads")); });
}

TEST_CASE("region_table refuses labels that do not fit") {
  std::vector<Region> table(3);
  auto* head = component_table(table.data());
  const std::vector<std::int32_t> too_many{0, 3}, negative{-1, 0};
  CHECK_THROWS_AS(cpu::region_table(too_many.data(), {1, 2}, 2, head), std::invalid_argument);
  CHECK_THROWS_AS(cpu::region_table(negative.data(), {1, 2}, 2, head), std::invalid_argument);
}

TEST_CASE("components refuse empty masks and short scratch") {
  std::vector<std::byte> scratch(100);
  std::uint8_t pixels[64] = {};
  CHECK_THROWS_AS(cpu::fill_holes(pixels, {0, 8}, pixels, scratch), std::invalid_argument);
  CHECK_THROWS_AS(cpu::fill_holes(pixels, {8, 8}, pixels, scratch), std::invalid_argument);
}
