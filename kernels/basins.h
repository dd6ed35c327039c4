// Basins of a distance transform, and the basins merged into the parts of which touching cells consist. What a part is,
// engine/ops/split.h says; no step of it depends on the order in which threads run.
#pragma once

#include "kernels/components.h"
#include "kernels/split_grid.h"

namespace giemsa::kernels {

/// Labels i32 {grid.image} and their distances i32 {grid.h(), grid.w()} -> 1 + the index of the summit that each cell
/// flows up to; 0 in the background. One launch.
void basins(std::int32_t* basins, const std::int32_t* labels, const std::int32_t* distances, const SplitGrid& grid,
            Stream stream);

struct MergeParams {
  SplitGrid grid = {};
  int min_area = 200;         ///< pixels of a part
  int depth = 10;             ///< percent of the lower peak by which a saddle parts two basins
  int least_peak = 3;         ///< grid cells that a peak has to exceed, at most 16384
  std::int64_t capacity = 0;  ///< records in both tables
};

/// About 80 bytes per grid cell, 64 per record and a quarter per pixel.
std::size_t workspace_bytes(const MergeParams& params);

/// Labels of components i32 {grid.image}, the table of their regions, distances and basins -> labels of the parts, 1..count
/// in raster order of first pixels, and the table of theirs. Both tables are a ComponentCount and `capacity`
/// ComponentRecords. `workspace` has workspace_bytes(params) bytes, aligned to 16, of any content. Three launches. Throws
/// std::invalid_argument where a precondition fails, as does basins().
void merge_basins(std::int32_t* parts, ComponentCount* table, void* workspace, const std::int32_t* labels,
                  const ComponentCount* regions, const std::int32_t* distances, const std::int32_t* basins,
                  const MergeParams& params, Stream stream);

/// A label and a distance read and a basin written per cell.
Cost basins_cost(const SplitGrid& grid);
/// The labels, both grids and one table read once, labels and the other table written once.
Cost cost(const MergeParams& params);

}  // namespace giemsa::kernels
