// The kernels that tell touching cells apart by a centre head: the CPU's results, in every order of threads, and what
// they refuse. tests/contract holds both to the definitions.
#include "kernels/centres.h"

#include "kernels/cpu/imaging/centres.h"
#include "tests/kernels/cleaned_mask.h"
#include "tests/kernels/nhwc.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/centre_cases.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::AssignParams;
using kernels::CentrePeakParams;
using kernels::SplitGrid;

namespace {

struct Told {
  std::vector<std::int32_t> peaks, basins;
};

ComponentCount* table_at(Region* table) {
  return reinterpret_cast<ComponentCount*>(table);
}

template <class T>
Told by_kernels(const CentreCase& c, const Cleaned& cleaned, int stride) {
  const SplitGrid grid =
      SplitGrid::of({static_cast<int>(c.size.h), static_cast<int>(c.size.w)}, static_cast<int>(c.step));
  const kernels::CentreHead layout{{static_cast<int>(c.head.size.h), static_cast<int>(c.head.size.w)}, stride};
  DeviceBuffer<std::int32_t> labels{std::span(cleaned.labels)}, peaks(grid.cells()), basins(grid.cells());
  DeviceBuffer<Region> regions{std::span(cleaned.table)};
  const std::vector<T> pixels =
      to_nhwc<T>(Tensor::from({1, 3, c.head.size.h, c.head.size.w}, std::vector(c.head.values)), stride);
  DeviceBuffer<T> head{std::span(pixels)};
  kernels::centre_peaks(peaks.data(), labels.data(), head.data(), {grid, layout, static_cast<int>(c.reach), c.least},
                        nullptr);
  kernels::assign_centres(basins.data(), labels.data(), table_at(regions.data()), peaks.data(), head.data(),
                          {grid, layout, static_cast<std::int64_t>(cleaned.table.size()) - 1}, nullptr);
  return {peaks.values(), basins.values()};
}

Told on_cpu(const CentreCase& c, const Cleaned& cleaned) {
  namespace cpu = kernels::cpu;
  const cpu::Extent size{c.size.h, c.size.w}, cells = cpu::split_grid(size, c.step);
  const cpu::CentreHead head{c.head.values.data(), {c.head.size.h, c.head.size.w}};
  const cpu::AssignParams params{c.step, static_cast<std::int64_t>(cleaned.table.size()) - 1, kernels::most_centres};
  Told out;
  out.peaks.resize(static_cast<std::size_t>(cells.h * cells.w));
  out.basins.resize(out.peaks.size());
  std::vector<std::byte> scratch(cpu::assign_centres_scratch_bytes(size, params));
  cpu::centre_peaks(out.peaks.data(), cleaned.labels.data(), size, head, {c.step, c.reach, c.least});
  cpu::assign_centres(out.basins.data(), cleaned.labels.data(),
                      reinterpret_cast<const cpu::ComponentCount*>(cleaned.table.data()), out.peaks.data(), size, head,
                      params, scratch);
  return out;
}

template <class T>
void check_in_all_orders(const CentreCase& c, int stride, const std::string& how) {
  const Cleaned cleaned = clean_by_flood(c.mask, c.size, c.min_area);
  const Told expected = on_cpu(c, cleaned);
  in_all_thread_orders([&] {
    const Told actual = by_kernels<T>(c, cleaned, stride);
    check_equal(actual.peaks, expected.peaks, "peaks, " + how);
    check_equal(actual.basins, expected.basins, "basins, " + how);
  });
}

}  // namespace

TEST_CASE("centres: every head gives the CPU's basins in every order of threads") {
  for (const CentreCase& c : centre_cases(false)) {
    SUBCASE(c.name.c_str()) {
      check_in_all_orders<float>(c, 4, cat("rerun: test_kernels -tc='centres: every head*' -sc='", c.name, "'"));
    }
  }
}

TEST_CASE("centres: heads in fp16 that hold integers") {
  for (const CentreCase& c : centre_cases(true)) {
    SUBCASE(c.name.c_str()) {
      check_in_all_orders<Half>(c, 8, cat("rerun: test_kernels -tc='centres: heads in fp16*' -sc='", c.name, "'"));
    }
  }
}

TEST_CASE("centres: cost") {
  const SplitGrid grid = SplitGrid::of({10, 20}, 4);
  const kernels::CentreHead head{{5, 7}, 8};
  CHECK_EQ(kernels::cost(CentrePeakParams{grid, head}, 2).bytes, 2 * 4 * 15 + 2 * 35);
  CHECK_EQ(kernels::cost(AssignParams{grid, head, 5}, 4).bytes, 3 * 4 * 15 + 2 * 4 * 35);
}

TEST_CASE("centres refuse what they cannot do") {
  DeviceBuffer<std::int32_t> labels(64), peaks(64), basins(64);
  DeviceBuffer<float> head(64);
  DeviceBuffer<Region> regions(9);
  const CentrePeakParams good{.grid = SplitGrid::of({8, 8}, 1), .head = {{4, 4}, 4}};
  const AssignParams good_too{.grid = good.grid, .head = good.head, .capacity = 8};
  const auto refuses = [&](const CentrePeakParams& p) {
    CHECK_THROWS_AS(kernels::centre_peaks(peaks.data(), labels.data(), head.data(), p, nullptr), std::invalid_argument);
  };
  const auto refuses_to_assign = [&](const AssignParams& p, std::int32_t* to) {
    CHECK_THROWS_AS(
        kernels::assign_centres(to, labels.data(), table_at(regions.data()), peaks.data(), head.data(), p, nullptr),
        std::invalid_argument);
  };
  refuses_to_assign(good_too, peaks.data());
  CentrePeakParams p = good;
  for (const int reach : {0, 65}) {
    p.reach = reach;
    refuses(p);
  }
  p = good;
  p.least = 0;
  refuses(p);
  AssignParams a = good_too;
  for (const std::int64_t capacity : {-1, 65}) {
    a.capacity = capacity;
    refuses_to_assign(a, basins.data());
  }
  for (const kernels::CentreHead& bad : {kernels::CentreHead{{0, 4}, 4}, kernels::CentreHead{{4, 32769}, 4},
                                         kernels::CentreHead{{4, 4}, 2}, kernels::CentreHead{{32768, 32768}, 4}}) {
    p = good;
    a = good_too;
    p.head = a.head = bad;
    refuses(p);
    refuses_to_assign(a, basins.data());
  }
  p = good;
  a = good_too;
  p.grid = a.grid = SplitGrid::of({8, 8}, 0);
  refuses(p);
  refuses_to_assign(a, basins.data());
}
