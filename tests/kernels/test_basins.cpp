// The kernels that part touching cells: the CPU's results, in every order of threads, and what they refuse.
// tests/contract holds both to the definitions.
#include "kernels/basins.h"

#include <cstring>

#include "kernels/cpu/imaging/split.h"
#include "kernels/distance_transform.h"
#include "tests/kernels/cleaned_mask.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/split_cases.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::MergeParams;
using kernels::SplitGrid;

namespace {

struct Split {
  std::vector<std::int32_t> distances, basins, labels;
  std::vector<Region> table;
};

ComponentCount* table_at(Region* table) {
  return reinterpret_cast<ComponentCount*>(table);
}

Split split_by_kernels(const std::vector<std::int32_t>& labels, const std::vector<Region>& regions,
                       const MergeParams& params) {
  const SplitGrid& grid = params.grid;
  DeviceBuffer<std::int32_t> in{std::span(labels)}, distances(grid.cells()), basins(grid.cells()), parts(grid.pixels());
  DeviceBuffer<Region> components{std::span(regions)}, table(1 + params.capacity);
  DeviceBuffer<std::byte> workspace(static_cast<std::int64_t>(kernels::workspace_bytes(params)));
  kernels::distance_transform(distances.data(), in.data(), grid, nullptr);
  kernels::basins(basins.data(), in.data(), distances.data(), grid, nullptr);
  kernels::merge_basins(parts.data(), table_at(table.data()), workspace.data(), in.data(), table_at(components.data()),
                        distances.data(), basins.data(), params, nullptr);
  return {distances.values(), basins.values(), parts.values(), table.values()};
}

Split split_on_cpu(const std::vector<std::int32_t>& labels, const std::vector<Region>& regions,
                   const MergeParams& params) {
  namespace cpu = kernels::cpu;
  const SplitGrid& grid = params.grid;
  const cpu::Extent size{grid.image.h, grid.image.w};
  const cpu::SplitParams p{grid.step, params.min_area, params.depth, params.least_peak, params.capacity};
  Split out;
  out.distances.resize(static_cast<std::size_t>(grid.cells()));
  out.basins.resize(out.distances.size());
  out.labels.resize(labels.size());
  out.table.resize(static_cast<std::size_t>(1 + params.capacity));
  std::vector<std::byte> scratch(
      std::max(cpu::distance_transform_scratch_bytes(size, p.step), cpu::merge_basins_scratch_bytes(size, p)));
  cpu::distance_transform(labels.data(), size, p.step, out.distances.data(), scratch);
  cpu::basins(labels.data(), size, p.step, out.distances.data(), out.basins.data());
  cpu::merge_basins(out.labels.data(), reinterpret_cast<cpu::ComponentCount*>(out.table.data()), labels.data(),
                    reinterpret_cast<const cpu::ComponentCount*>(regions.data()), out.distances.data(),
                    out.basins.data(), size, p, scratch);
  return out;
}

void check_in_all_orders(const SplitCase& c, std::int64_t min_area, const std::string& how) {
  const Cleaned cleaned = clean_by_flood(c.mask, c.size, min_area);
  MergeParams params{
      .grid = SplitGrid::of({static_cast<int>(c.size.h), static_cast<int>(c.size.w)}, static_cast<int>(c.op.step)),
      .min_area = static_cast<int>(min_area),
      .depth = static_cast<int>(c.op.depth),
      .least_peak = static_cast<int>(c.op.least_peak),
      .capacity = static_cast<std::int64_t>(cleaned.table.size()) - 1};
  const Split expected = split_on_cpu(cleaned.labels, cleaned.table, params);
  in_all_thread_orders([&] {
    const Split actual = split_by_kernels(cleaned.labels, cleaned.table, params);
    check_equal(actual.distances, expected.distances, "distances, " + how);
    check_equal(actual.basins, expected.basins, "basins, " + how);
    check_equal(actual.labels, expected.labels, "labels, " + how);
    CHECK_MESSAGE(actual.table == expected.table, how);
  });
}

}  // namespace

TEST_CASE("split: every mask gives the CPU's parts in every order of threads") {
  for (const SplitCase& c : split_cases()) {
    SUBCASE(c.name.c_str()) {
      check_in_all_orders(c, c.op.min_area,
                          cat("rerun: test_kernels -tc='split: every mask*' -sc='", c.name, "'"));
    }
  }
}

TEST_CASE("split: cost") {
  const SplitGrid grid = SplitGrid::of({10, 20}, 4);
  CHECK_EQ(kernels::distance_transform_cost(grid).bytes, 2 * 4 * 3 * 5);
  CHECK_EQ(kernels::basins_cost(grid).bytes, 3 * 4 * 3 * 5);
  CHECK_EQ(kernels::cost(MergeParams{.grid = grid, .capacity = 5}).bytes, 2 * 4 * (200 + 15) + 2 * 6 * 40);
}

TEST_CASE("split refuses what it cannot do") {
  DeviceBuffer<std::int32_t> labels(64), grid(64), parts(64);
  DeviceBuffer<Region> regions(9), table(9);
  const MergeParams good{.grid = SplitGrid::of({8, 8}, 1), .capacity = 8};
  DeviceBuffer<std::byte> workspace(static_cast<std::int64_t>(kernels::workspace_bytes(good)));
  const auto refuses = [&](const MergeParams& p, bool in_place = false) {
    CHECK_THROWS_AS(kernels::merge_basins(in_place ? labels.data() : parts.data(), table_at(table.data()),
                                          workspace.data(), labels.data(), table_at(regions.data()), grid.data(),
                                          grid.data(), p, nullptr),
                    std::invalid_argument);
  };
  refuses(good, true);
  MergeParams p = good;
  p.depth = 101;
  refuses(p);
  p = good;
  p.least_peak = -1;
  refuses(p);
  p = good;
  p.capacity = 65;
  refuses(p);
  for (const SplitGrid& bad : {SplitGrid::of({8, 8}, 0), SplitGrid::of({0, 8}, 1), SplitGrid::of({1, 32767}, 1),
                               SplitGrid::of({1 << 15, (1 << 15) + 1}, 4)}) {
    CHECK_THROWS_AS(kernels::distance_transform(grid.data(), labels.data(), bad, nullptr), std::invalid_argument);
    CHECK_THROWS_AS(kernels::basins(grid.data(), labels.data(), grid.data(), bad, nullptr), std::invalid_argument);
    p = good;
    p.grid = bad;
    refuses(p);
  }
}
