// Touching cells, parted along the necks of their component: squared distances, basins, and basins merged into parts.
//
// All of it lives on a grid of every `step`-th pixel and in integers. Cell (y, x) of the grid stands for the pixels
// from (y step, x step); its label is that of the pixel in their middle, its sample. What a part is, engine/ops/split.h
// says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/imaging/components.h"
#include "kernels/cpu/imaging/label_grid.h"

namespace giemsa::kernels::cpu {

struct SplitParams {
  std::int64_t step = 4;        ///< pixels from one grid cell to the next
  std::int64_t min_area = 200;  ///< pixels of a part
  std::int64_t depth = 10;      ///< percent of the lower peak by which a saddle parts two basins
  std::int64_t least_peak = 3;  ///< grid cells that a peak has to exceed
  std::int64_t capacity = 0;    ///< records in the tables
};

/// Labels {h,w} -> squared distances on the grid, to the nearest cell of another label or beyond the edge; 0 in the
/// background. Linear in the cells, after Meijster, Roerdink and Hesselink, "A general algorithm for computing distance
/// transforms in linear time" (2000), with every run of a row on its own.
void distance_transform(const std::int32_t* labels, Extent size, std::int64_t step, std::int32_t* distances,
                        std::span<std::byte> scratch);
std::size_t distance_transform_scratch_bytes(Extent size, std::int64_t step);

/// 1 + the index of the summit that each cell flows up to; 0 in the background.
void basins(const std::int32_t* labels, Extent size, std::int64_t step, const std::int32_t* distances,
            std::int32_t* basins);

/// The components of `labels`, measured in `regions`, become parts: their labels, 1..count in raster order of first
/// pixels, and `table`, of params.capacity records as `regions`. Returns how many there are.
std::int32_t merge_basins(std::int32_t* parts, ComponentCount* table, const std::int32_t* labels,
                          const ComponentCount* regions, const std::int32_t* distances, const std::int32_t* basins,
                          Extent size, const SplitParams& params, std::span<std::byte> scratch);
std::size_t merge_basins_scratch_bytes(Extent size, const SplitParams& params);

}  // namespace giemsa::kernels::cpu
