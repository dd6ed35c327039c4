#include "engine/base/check.h"
#include "engine/base/region.h"
#include "kernels/basins.h"
#include "kernels/distance_transform.h"
#include "kernels/ladder/split_ladder.h"
#include "tests/kernels/device_buffer.h"
#include "tests/ladder/cases.h"
#include "tests/ops/split_cases.h"
#include "tests/ref/components.h"

namespace giemsa::ladder {

namespace {

using kernels::SplitGrid;
using test::DeviceBuffer;

constexpr Size2 size{144, 192};

/// Three cells that touch, of radius 36.
std::vector<std::int32_t> labels_of_cells() {
  std::vector<std::int32_t> labels;
  ref::label(test::discs(size, {{40, 45, 36}, {60, 110, 36}, {100, 60, 36}}), size, 0, labels);
  return labels;
}

/// Counts one step after the other and holds each to the first one's result.
class Counter {
 public:
  explicit Counter(Case& into) : into_(into) {}

  template <class Run>
  void add(std::string name, std::string change, std::int64_t results, const Run& run) {
    DeviceBuffer<std::int32_t> result(results);
    const simt::Counting counting;
    run(result.data());
    const simt::Counts counts = counting.sum();
    if (first_.empty()) first_ = result.values();
    check(result.values() == first_, ErrorKind::internal, name, " gives another result than ",
          into_.steps.front().name);
    into_.steps.push_back({std::move(name), std::move(change), counts, "", {}});
  }

 private:
  Case& into_;
  std::vector<std::int32_t> first_;
};

}  // namespace

std::vector<Case> count_split() {
  const SplitGrid grid = SplitGrid::of({static_cast<int>(size.h), static_cast<int>(size.w)}, 4);
  DeviceBuffer<std::int32_t> labels{labels_of_cells()}, workspace(grid.cells() + 1), distances(grid.cells()),
      basins(grid.cells());
  const std::string shape = "three cells that touch, of radius 36, on every fourth pixel of 192x144";
  Case of_distances{"Distance transform", shape, 0, kernels::distance_transform_cost(grid).bytes, {}};
  Counter distance_counter(of_distances);
  for (const kernels::DistanceStep& step : kernels::distance_steps)
    distance_counter.add(step.name, step.change, grid.cells(), [&](std::int32_t* result) {
      step.run(result, workspace.data(), labels.data(), grid, nullptr);
    });
  distance_counter.add("product", "both passes in one launch, the row in shared memory", grid.cells(),
                       [&](std::int32_t* result) { distance_transform(result, labels.data(), grid, nullptr); });

  distance_transform(distances.data(), labels.data(), grid, nullptr);
  Case of_basins{"Basins", shape, 0, kernels::basins_cost(grid).bytes, {}};
  Counter basin_counter(of_basins);
  for (const kernels::BasinsStep& step : kernels::basins_steps)
    basin_counter.add(step.name, step.change, grid.cells(), [&](std::int32_t* result) {
      step.run(result, workspace.data(), labels.data(), distances.data(), grid, nullptr);
    });
  basin_counter.add("product", "every cell walks up, in one launch", grid.cells(), [&](std::int32_t* result) {
    kernels::basins(result, labels.data(), distances.data(), grid, nullptr);
  });

  kernels::basins(basins.data(), labels.data(), distances.data(), grid, nullptr);
  kernels::MergeParams params{.grid = grid, .capacity = 100};
  const std::vector<Region> regions = ref::regions(labels.values(), size, 1);
  std::vector<Region> table(101);
  table[0].x = 1;  // the count
  table[1] = regions.front();
  DeviceBuffer<Region> components{std::span<const Region>(table)}, parts_table(101);
  DeviceBuffer<std::byte> merge_workspace(static_cast<std::int64_t>(kernels::workspace_bytes(params)));
  Case of_merging{"Basins merged into parts", shape, 0, cost(params).bytes, {}};
  Counter(of_merging).add("product", "a block per component merges in rounds; parts measured, numbered, written",
                          grid.pixels(), [&](std::int32_t* result) {
                            kernels::merge_basins(
                                result, reinterpret_cast<kernels::ComponentCount*>(parts_table.data()),
                                merge_workspace.data(), labels.data(),
                                reinterpret_cast<kernels::ComponentCount*>(components.data()), distances.data(),
                                basins.data(), params, nullptr);
                          });
  return {of_distances, of_basins, of_merging};
}

}  // namespace giemsa::ladder
