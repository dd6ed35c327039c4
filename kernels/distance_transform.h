// The exact squared Euclidean distance transform of a label image, in integers.
//
//   out[y][x] = min over cells (v, u) of another label, or beyond the edge, of (v - y)^2 + (u - x)^2; 0 in the background
#pragma once

#include "kernels/split_grid.h"

namespace giemsa::kernels {

/// Labels i32 {grid.image} -> distances i32 {grid.h(), grid.w()}. One launch. Throws std::invalid_argument where
/// is_valid(grid) does not hold.
void distance_transform(std::int32_t* distances, const std::int32_t* labels, const SplitGrid& grid, Stream stream);

/// One label read and one distance written per cell.
Cost distance_transform_cost(const SplitGrid& grid);

}  // namespace giemsa::kernels
