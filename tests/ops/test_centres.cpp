// The CPU's kernels that tell touching cells apart by a centre head: against their definitions, and what comes of it.
#include "kernels/cpu/imaging/centres.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "kernels/cpu/imaging/split.h"
#include "tests/ops/centre_cases.h"
#include "tests/ops/compare.h"
#include "tests/ops/cpu_kernels.h"
#include "tests/ops/guarded.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

/// Everything that comes of a label image.
struct Told {
  std::int32_t count = 0;
  std::vector<std::int32_t> peaks, basins, labels;
};

std::vector<std::int32_t> labels_of(const CentreCase& c) {
  const ref::MaskPixels cleaned = ref::area_open(ref::fill_holes(c.mask, c.size), c.size, c.min_area);
  std::vector<std::int32_t> labels;
  ref::label(cleaned, c.size, 0, labels);
  return labels;
}

std::vector<std::int32_t> copy_of(Guarded<std::int32_t>& buffer) {
  return {buffer.values().begin(), buffer.values().end()};
}

Told tell_apart(const CentreCase& c, const std::vector<std::int32_t>& labels) {
  const cpu::Extent extent = cpu_extent(c.size);
  const auto [h, w] = cpu::split_grid(extent, c.step);
  const cpu::CentreHead head{c.head.values.data(), cpu_extent(c.head.size)};
  const cpu::AssignParams assign{c.step, max_regions(c.size.h, c.size.w, c.min_area), AssignCentres::most};
  const cpu::SplitParams merge{c.step, c.min_area, 0, 0, assign.capacity};
  Guarded<std::int32_t> in{std::span(labels)}, peaks(h * w), basins(h * w), parts(c.size.h * c.size.w);
  Guarded<Region> regions(1 + assign.capacity), table(1 + assign.capacity);
  Guarded<std::byte> scratch(static_cast<std::int64_t>(cpu::assign_centres_scratch_bytes(extent, assign))),
      merge_scratch(static_cast<std::int64_t>(cpu::merge_basins_scratch_bytes(extent, merge)));
  cpu::region_table(in.data(), extent, assign.capacity, component_table(regions.data()));
  cpu::centre_peaks(peaks.data(), in.data(), extent, head, {c.step, c.reach, c.least});
  cpu::assign_centres(basins.data(), in.data(), component_table(regions.data()), peaks.data(), extent, head, assign,
                      scratch.values());
  const std::int32_t count =
      cpu::merge_basins(parts.data(), component_table(table.data()), in.data(), component_table(regions.data()),
                        peaks.data(), basins.data(), extent, merge, merge_scratch.values());
  return {count, copy_of(peaks), copy_of(basins), copy_of(parts)};
}

Told tell_apart(const std::string& name) {
  for (const CentreCase& c : centre_cases(false))
    if (c.name == name) return tell_apart(c, labels_of(c));
  FAIL("no case ", name);
  return {};
}

}  // namespace

TEST_CASE("centres: peaks, basins and parts equal their definitions") {
  for (const CentreCase& c : centre_cases(false)) {
    SUBCASE(c.name.c_str()) {
      const std::vector<std::int32_t> labels = labels_of(c);
      const Told actual = tell_apart(c, labels);
      const std::string how = rerun("centres: peaks, basins and parts equal their definitions", c.name);
      const auto peaks =
          ref::centre_peaks(labels, c.size, c.head, {.step = c.step, .reach = c.reach, .least = c.least});
      check_equal(actual.peaks, peaks, "peaks, " + how);
      const auto basins = ref::assign_centres(labels, c.size, peaks, c.head, c.step);
      check_equal(actual.basins, basins, "basins, " + how);
      std::vector<std::int32_t> parts;
      const MergeBasins merge{.step = c.step, .min_area = c.min_area, .depth = 0, .least_peak = 0};
      CHECK_EQ(actual.count, ref::merge_basins(labels, c.size, merge, peaks, basins, parts));
      check_equal(actual.labels, parts, "parts, " + how);
    }
  }
}

TEST_CASE("centres: two discs are parted where each begins, whatever the resolutions") {
  for (const char* name : {"two discs, a place for every cell", "two discs, a place for four cells",
                           "two discs, eleven places for each cell", "every pixel a cell", "a coarse grid"}) {
    CAPTURE(name);
    const Told told = tell_apart(name);
    CHECK_EQ(told.count, 2);
    const Size2 size{72, 101};
    const auto label = [&](const Disc& d) { return told.labels[static_cast<std::size_t>(d.y * size.w + d.x)]; };
    CHECK_NE(label(pair_of_discs[0]), label(pair_of_discs[1]));
    // A cell's width from the line at which both are equally far.
    int wrong = 0;
    for (std::int64_t y = 0; y < size.h; ++y)
      for (std::int64_t x = 0; x < size.w; ++x) {
        const std::int32_t own = told.labels[static_cast<std::size_t>(y * size.w + x)];
        const auto outside = [&](const Disc& d) {
          return std::hypot(static_cast<double>(y - d.y), static_cast<double>(x - d.x)) - static_cast<double>(d.radius);
        };
        const double first = outside(pair_of_discs[0]), second = outside(pair_of_discs[1]);
        if (own != 0 && std::abs(first - second) > 16 && own != label(pair_of_discs[first < second ? 0 : 1])) ++wrong;
      }
    CHECK_EQ(wrong, 0);
  }
}

TEST_CASE("centres: what stays whole") {
  for (const char* name : {"one centre", "a centre in the background", "a part below the least area",
                           "nothing is a peak", "a single place", "more peaks than are told apart"}) {
    CAPTURE(name);
    CHECK_EQ(tell_apart(name).count, 1);
  }
  CHECK_EQ(tell_apart("as many peaks as are told apart").count, 1024);
}

TEST_CASE("centres refuse images and heads of no pixel, and short scratch") {
  std::vector<std::byte> scratch(8);
  std::int32_t pixels[64] = {};
  cpu::ComponentCount regions[1] = {};
  const float values[12] = {};
  const cpu::CentreHead head{values, {2, 2}};
  CHECK_THROWS_AS(cpu::centre_peaks(pixels, pixels, {0, 8}, head, {}), std::invalid_argument);
  CHECK_THROWS_AS(cpu::centre_peaks(pixels, pixels, {8, 8}, {values, {2, 0}}, {}), std::invalid_argument);
  CHECK_THROWS_AS(cpu::assign_centres(pixels, pixels, regions, pixels, {8, 8}, {values, {1, 32769}}, {}, scratch),
                  std::invalid_argument);
  CHECK_THROWS_AS(cpu::assign_centres(pixels, pixels, regions, pixels, {8, 8}, head, {}, scratch),
                  std::invalid_argument);
}
