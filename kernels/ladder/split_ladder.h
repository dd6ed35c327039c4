// How the product's distance transform and basins came to be, step by step. The steps after the last are
// distance_transform() and basins() themselves.
//
//   file                          against the step before
//   distance_v1_pairs.cu          a thread tries every cell of the grid
//   distance_v2_two_passes.cu     columns first, then rows of them: each cell looks as far as its distance, in two launches
//   basins_v1_propagation.cu      summits spread by a cell a launch; the host waits for the fixed point
//
// The product's distance transform makes both passes in one launch, with the row in shared memory; its basins walk up in
// one launch.
#pragma once

#include "kernels/split_grid.h"

namespace giemsa::kernels {

/// As distance_transform(). `workspace` has 4 bytes per cell.
void distance_v1_pairs(std::int32_t* distances, void* workspace, const std::int32_t* labels, const SplitGrid& grid,
                       Stream stream);
void distance_v2_two_passes(std::int32_t* distances, void* workspace, const std::int32_t* labels, const SplitGrid& grid,
                            Stream stream);

/// As basins(). `workspace` has 4 bytes per cell, and 4. Returns only when the device has finished.
void basins_v1_propagation(std::int32_t* basins, void* workspace, const std::int32_t* labels,
                           const std::int32_t* distances, const SplitGrid& grid, Stream stream);

struct DistanceStep {
  const char *name, *change;
  void (*run)(std::int32_t*, void*, const std::int32_t*, const SplitGrid&, Stream);
};
inline constexpr DistanceStep distance_steps[] = {
    {"v1 pairs", "a thread tries every cell", distance_v1_pairs},
    {"v2 two passes", "columns, then rows, in two launches", distance_v2_two_passes},
};

struct BasinsStep {
  const char *name, *change;
  void (*run)(std::int32_t*, void*, const std::int32_t*, const std::int32_t*, const SplitGrid&, Stream);
};
inline constexpr BasinsStep basins_steps[] = {
    {"v1 propagation", "summits spread by a cell a launch, until the host sees no change", basins_v1_propagation},
};

}  // namespace giemsa::kernels
