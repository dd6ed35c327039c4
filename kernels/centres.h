// Touching cells, told apart by a centre head: peaks of its heatmap, and what each of them takes of its component. What
// both are, engine/ops/centres.h says; no step of it depends on the order in which threads run.
#pragma once

#include "kernels/components.h"
#include "kernels/split_grid.h"

namespace giemsa::kernels {

/// What a head gives, {size, pixel_stride} (NHWC): heatmap, y offset, x offset, and channels that are padding.
struct CentreHead {
  Extent size = {};  ///< sides of at most 2^15
  int pixel_stride = 3;
};

struct CentrePeakParams {
  SplitGrid grid = {};
  CentreHead head = {};
  int reach = 3;       ///< places, in y and x, within which a peak is the greatest: 1 to 64
  float least = 0.1f;  ///< value of a peak, above 0
};

/// Labels i32 {grid.image} and the head's result -> the greatest peak's value in each cell of the grid, in 65536ths; 0
/// where there is none. One launch. Throws std::invalid_argument where a precondition fails, as does assign_centres().
void centre_peaks(std::int32_t* peaks, const std::int32_t* labels, const float* head, const CentrePeakParams& params,
                  Stream stream);
void centre_peaks(std::int32_t* peaks, const std::int32_t* labels, const Half* head, const CentrePeakParams& params,
                  Stream stream);

constexpr int most_centres = 1024;  ///< peaks of a component that is parted

struct AssignParams {
  SplitGrid grid = {};
  CentreHead head = {};
  std::int64_t capacity = 0;  ///< records in the regions' table
};

/// Labels i32 {grid.image} of components, the table of their regions, peaks on the grid, and the head's result -> 1 +
/// the index of the cell whose peak each cell belongs to; 0 where it belongs to none. One launch.
void assign_centres(std::int32_t* basins, const std::int32_t* labels, const ComponentCount* regions,
                    const std::int32_t* peaks, const float* head, const AssignParams& params, Stream stream);
void assign_centres(std::int32_t* basins, const std::int32_t* labels, const ComponentCount* regions,
                    const std::int32_t* peaks, const Half* head, const AssignParams& params, Stream stream);

/// `element_bytes` of the head's result. The heatmap and a label per cell read, a peak per cell written.
Cost cost(const CentrePeakParams& params, int element_bytes);
/// The offsets, and a label and a peak per cell read, a basin per cell written.
Cost cost(const AssignParams& params, int element_bytes);

}  // namespace giemsa::kernels
