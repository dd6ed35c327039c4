#include <doctest/doctest.h>

#include <stdexcept>

#include "kernels/cpu/imaging/split.h"
#include "tests/ops/compare.h"
#include "tests/ops/cpu_kernels.h"
#include "tests/ops/guarded.h"
#include "tests/ops/split_cases.h"
#include "tests/ref/split.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

/// Everything that comes of a label image.
struct Split {
  std::int32_t count = 0;
  std::vector<std::int32_t> distances, basins, labels;
  std::vector<Region> table;
};

template <class T>
std::vector<T> copy_of(Guarded<T>& buffer) {
  return {buffer.values().begin(), buffer.values().end()};
}

Split split_by_kernels(const std::vector<std::int32_t>& labels, Size2 size, const MergeBasins& op) {
  const cpu::Extent extent = cpu_extent(size);
  const cpu::SplitParams params{op.step, op.min_area, op.depth, op.least_peak, op.capacity};
  const auto [h, w] = cpu::split_grid(extent, op.step);
  Guarded<std::int32_t> in{std::span(labels)}, distances(h * w), basins(h * w), parts(size.h * size.w);
  Guarded<Region> regions(1 + op.capacity), table(1 + op.capacity);
  Guarded<std::byte> scratch(static_cast<std::int64_t>(
      std::max(cpu::distance_transform_scratch_bytes(extent, op.step), cpu::merge_basins_scratch_bytes(extent, params))));
  cpu::region_table(in.data(), extent, op.capacity, component_table(regions.data()));
  cpu::distance_transform(in.data(), extent, op.step, distances.data(), scratch.values());
  cpu::basins(in.data(), extent, op.step, distances.data(), basins.data());
  const std::int32_t count =
      cpu::merge_basins(parts.data(), component_table(table.data()), in.data(), component_table(regions.data()),
                        distances.data(), basins.data(), extent, params, scratch.values());
  return {count, copy_of(distances), copy_of(basins), copy_of(parts), copy_of(table)};
}

Split split_by_definition(const std::vector<std::int32_t>& labels, Size2 size, const MergeBasins& op) {
  Split out;
  out.distances = ref::distance_transform(labels, size, op.step);
  out.basins = ref::basins(labels, size, op.step, out.distances);
  out.count = ref::merge_basins(labels, size, op, out.distances, out.basins, out.labels);
  out.table.resize(static_cast<std::size_t>(1 + op.capacity));
  const RegionCount head{out.count, {}};
  std::memcpy(out.table.data(), &head, sizeof head);
  const std::vector<Region> regions = ref::regions(out.labels, size, out.count);
  REQUIRE_LT(regions.size(), out.table.size());
  std::ranges::copy(regions, out.table.begin() + 1);
  return out;
}

Split split(const SplitCase& c) {
  const ref::MaskPixels cleaned = ref::area_open(ref::fill_holes(c.mask, c.size), c.size, c.op.min_area);
  std::vector<std::int32_t> labels;
  ref::label(cleaned, c.size, 0, labels);
  MergeBasins op = c.op;
  op.capacity = max_regions(c.size.h, c.size.w, op.min_area);
  return split_by_kernels(labels, c.size, op);
}

SplitCase case_called(const std::string& name) {
  for (SplitCase& c : split_cases())
    if (c.name == name) return std::move(c);
  FAIL("no case ", name);
  return {};
}

}  // namespace

TEST_CASE("split: distances, basins and parts equal their definitions") {
  for (const SplitCase& c : split_cases()) {
    SUBCASE(c.name.c_str()) {
      for (const bool filled : {true, false}) {
        std::vector<std::int32_t> labels;
        ref::label(filled ? ref::area_open(ref::fill_holes(c.mask, c.size), c.size, c.op.min_area) : c.mask, c.size, 0,
                   labels);
        MergeBasins op = c.op;
        op.capacity = max_regions(c.size.h, c.size.w, filled ? op.min_area : 1);
        const Split actual = split_by_kernels(labels, c.size, op), expected = split_by_definition(labels, c.size, op);
        const std::string how = rerun("split: distances, basins and parts equal their definitions", c.name);
        check_equal(actual.distances, expected.distances, "distances, " + how);
        check_equal(actual.basins, expected.basins, "basins, " + how);
        check_equal(actual.labels, expected.labels, "labels, " + how);
        CHECK_EQ(actual.count, expected.count);
        CHECK_EQ(actual.table, expected.table);
      }
    }
  }
}

TEST_CASE("split: how many cells a shape is") {
  const auto parts = [](const char* name) { return split(case_called(name)).count; };
  CHECK_EQ(parts("one disc"), 1);
  CHECK_EQ(parts("two discs that touch"), 2);
  CHECK_EQ(parts("two discs that overlap by a tenth"), 2);
  CHECK_EQ(parts("two discs of one shape"), 1);
  CHECK_EQ(parts("five discs"), 5);
  CHECK_EQ(parts("a part below the least area"), 1);
  CHECK_EQ(parts("every part below the least area"), 1);
  CHECK_EQ(parts("neck of 0"), 2);
  CHECK_EQ(parts("neck of 1"), 2);
  CHECK_EQ(parts("neck of 24"), 1);
  CHECK_EQ(parts("a neck that the grid does not see"), 2);
  CHECK_EQ(parts("as many components as there can be"), 16 * 23);
  CHECK_EQ(parts("all depth"), 1);
}

TEST_CASE("split: no pixel is lost, and every part is large enough") {
  for (const SplitCase& c : split_cases()) {
    CAPTURE(c.name);
    const ref::MaskPixels cleaned = ref::area_open(ref::fill_holes(c.mask, c.size), c.size, c.op.min_area);
    const Split parts = split(c);
    std::int32_t next = 1;
    for (std::size_t i = 0; i < cleaned.size(); ++i) {
      REQUIRE_EQ(parts.labels[i] != 0, cleaned[i] != 0);
      REQUIRE_LE(parts.labels[i], next);  // raster order of first pixels
      if (parts.labels[i] == next) ++next;
    }
    CHECK_EQ(next - 1, parts.count);
    for (std::int32_t label = 1; label <= parts.count; ++label)
      CHECK_GE(parts.table[static_cast<std::size_t>(label)].area, c.op.min_area);
  }
}

TEST_CASE("split refuses images of no pixel and short scratch") {
  std::vector<std::byte> scratch(100);
  std::int32_t pixels[64] = {};
  CHECK_THROWS_AS(cpu::distance_transform(pixels, {0, 8}, 4, pixels, scratch), std::invalid_argument);
  CHECK_THROWS_AS(cpu::distance_transform(pixels, {8, 8}, 1, pixels, scratch), std::invalid_argument);
}
