// The table that the Regions op fills: one record a connected component.
#pragma once

#include <cstdint>

namespace giemsa {

/// A connected component, in pixels of the image it was found in, origin top left.
struct Region {
  std::int32_t x, y, w, h;    ///< tight box
  std::int32_t area;          ///< pixels
  std::int32_t reserved;      ///< zero
  std::int64_t sum_x, sum_y;  ///< sums of pixel coordinates

  double centroid_x() const { return static_cast<double>(sum_x) / area; }
  double centroid_y() const { return static_cast<double>(sum_y) / area; }
  friend bool operator==(const Region&, const Region&) = default;
};
static_assert(sizeof(Region) == 40);

/// Row 0 of the table; the records of labels 1..count follow.
struct RegionCount {
  std::int32_t count;
  std::int32_t reserved[9];
};
static_assert(sizeof(RegionCount) == sizeof(Region));

/// The most components of at least `min_area` pixels that a height x width mask can hold: a capacity that is never
/// exceeded. 8-connected components cannot share a 2x2 cell, hence the first bound.
constexpr std::int64_t max_regions(std::int64_t height, std::int64_t width, std::int64_t min_area) {
  const std::int64_t isolated = ((height + 1) / 2) * ((width + 1) / 2);
  const std::int64_t by_area = min_area > 1 ? height * width / min_area : isolated;
  return by_area < isolated ? by_area : isolated;
}

}  // namespace giemsa
