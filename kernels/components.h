// From a mask to numbered cells in one go: holes filled, small components dropped, the rest labelled and measured.
//
// Foreground (not zero) is 8-connected, background 4-connected. A hole is a background component that does not reach
// the edge. Labels are 1..count in raster order of first pixels, hence the same in every run.
#pragma once

#include "kernels/types.h"

namespace giemsa::kernels {

/// A connected component, in pixels, origin top left.
struct ComponentRecord {
  std::int32_t x, y, w, h;    ///< tight box
  std::int32_t area;          ///< pixels
  std::int32_t reserved;      ///< zero
  std::int64_t sum_x, sum_y;  ///< sums of pixel coordinates
};

/// Row 0 of the table; the records of labels 1..count follow.
struct ComponentCount {
  std::int32_t count;
  std::int32_t reserved[9];  ///< zero
};
static_assert(sizeof(ComponentCount) == sizeof(ComponentRecord) && sizeof(ComponentRecord) == 40);

struct ComponentsParams {
  int h = 0, w = 0;           ///< of the mask; rows padded to 32 pixels, at most 2^30 of them
  int min_area = 1;           ///< smaller components vanish, after holes were filled
  std::int64_t capacity = 0;  ///< records in the table: at least max_components()
};

/// The most components that such a mask can hold: each takes at least min_area pixels, and no two share a 2x2 cell.
constexpr std::int64_t max_components(const ComponentsParams& p) {
  const std::int64_t isolated = ((std::int64_t{p.h} + 1) / 2) * ((std::int64_t{p.w} + 1) / 2);
  return p.min_area > 1 ? min(isolated, std::int64_t{p.h} * p.w / p.min_area) : isolated;
}

/// About 12 bytes per pixel.
std::size_t workspace_bytes(const ComponentsParams& params);

/// mask u8 {h,w} -> clean u8 {h,w} of 0 and 1, labels i32 {h,w}, and a table of a ComponentCount and `capacity`
/// ComponentRecords, of which those past the count are zeroed. `clean` may be `mask`. `workspace` has
/// workspace_bytes(params) bytes, aligned to 16, of any content; `labels` is aligned to 16 bytes, `clean` to 4, `table`
/// to 8. Five launches. Throws std::invalid_argument where a precondition fails.
void clean_and_label(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, void* workspace,
                     const std::uint8_t* mask, const ComponentsParams& params, Stream stream);

/// The mask read once; clean mask, labels and table written once.
Cost cost(const ComponentsParams& params);

}  // namespace giemsa::kernels
