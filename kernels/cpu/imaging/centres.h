// Touching cells, told apart by a centre head: peaks of its heatmap, and what each of them takes of its component. What
// both are, engine/ops/centres.h says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/imaging/components.h"
#include "kernels/cpu/imaging/label_grid.h"

namespace giemsa::kernels::cpu {

/// What the head gives: three planes {size}, one behind the other: heatmap, y offset, x offset.
struct CentreHead {
  const float* planes = nullptr;
  Extent size = {};
};

struct CentrePeakParams {
  std::int64_t step = 4;   ///< pixels from one grid cell to the next
  std::int64_t reach = 3;  ///< places, in y and x, within which a peak is the greatest
  float least = 0.1f;      ///< value of a peak
};

/// Labels {h,w} -> the greatest peak's value in each cell of the grid, in 65536ths; 0 where there is none.
void centre_peaks(std::int32_t* peaks, const std::int32_t* labels, Extent size, const CentreHead& head,
                  const CentrePeakParams& params);

struct AssignParams {
  std::int64_t step = 4;
  std::int64_t capacity = 0;  ///< records in the regions' table
  std::int64_t most = 0;      ///< peaks of a component that is parted
};

/// Labels {h,w} of components, measured in `regions`, and peaks on the grid -> 1 + the index of the cell whose peak
/// each cell belongs to; 0 where it belongs to none.
void assign_centres(std::int32_t* basins, const std::int32_t* labels, const ComponentCount* regions,
                    const std::int32_t* peaks, Extent size, const CentreHead& head, const AssignParams& params,
                    std::span<std::byte> scratch);
std::size_t assign_centres_scratch_bytes(Extent size, const AssignParams& params);

}  // namespace giemsa::kernels::cpu
