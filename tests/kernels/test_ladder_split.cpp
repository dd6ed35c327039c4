// Every step of the ladder of distance transform and basins gives the product's numbers.
#include "kernels/basins.h"
#include "kernels/distance_transform.h"
#include "kernels/ladder/split_ladder.h"
#include "tests/kernels/cleaned_mask.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/split_cases.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::SplitGrid;

TEST_CASE("split ladder: every step equals the product") {
  for (const SplitCase& c : split_cases()) {
    SUBCASE(c.name.c_str()) {
      const Cleaned cleaned = clean_by_flood(c.mask, c.size, c.op.min_area);
      const SplitGrid grid =
          SplitGrid::of({static_cast<int>(c.size.h), static_cast<int>(c.size.w)}, static_cast<int>(c.op.step));
      DeviceBuffer<std::int32_t> labels{std::span(cleaned.labels)}, distances(grid.cells()), basins(grid.cells());
      kernels::distance_transform(distances.data(), labels.data(), grid, nullptr);
      kernels::basins(basins.data(), labels.data(), distances.data(), grid, nullptr);
      const std::string how = cat("rerun: test_kernels -tc='split ladder*' -sc='", c.name, "'");
      in_all_thread_orders([&] {
        for (const kernels::DistanceStep& step : kernels::distance_steps) {
          DeviceBuffer<std::int32_t> result(grid.cells()), workspace(grid.cells());
          step.run(result.data(), workspace.data(), labels.data(), grid, nullptr);
          check_equal(result.values(), distances.values(), cat("distance ", step.name, ", ", how));
        }
        for (const kernels::BasinsStep& step : kernels::basins_steps) {
          DeviceBuffer<std::int32_t> result(grid.cells()), workspace(grid.cells() + 1);
          step.run(result.data(), workspace.data(), labels.data(), distances.data(), grid, nullptr);
          check_equal(result.values(), basins.values(), cat("basins ", step.name, ", ", how));
        }
      });
    }
  }
}
