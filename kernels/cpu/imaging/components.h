// From a mask to numbered cells: hole filling, area opening, connected components and their table. Foreground is
// 8-connected, background 4-connected; a mask's foreground is whatever is not zero, and masks written hold 0 and 1.
//
// Every function works on runs (stretches of one colour within a row) joined by union-find, so the time is linear in
// the pixels read plus the runs found, whatever the mask. The smallest run of a set is its root: the first in raster
// order, which is the order that labels are given in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/nhwc.h"

namespace giemsa::kernels::cpu {

/// A connected component, in pixels, origin top left.
struct ComponentRecord {
  std::int32_t x, y, w, h;    ///< tight box
  std::int32_t area;          ///< pixels
  std::int32_t reserved;      ///< zero
  std::int64_t sum_x, sum_y;  ///< sums of pixel coordinates
};

/// The head of a table; the records of labels 1..count follow.
struct ComponentCount {
  std::int32_t count;
  std::int32_t reserved[9];  ///< zero
};
static_assert(sizeof(ComponentCount) == sizeof(ComponentRecord) && sizeof(ComponentRecord) == 40);

/// Scratch that each function below takes for a mask of this size (region_table() takes none).
std::size_t components_scratch_bytes(Extent size);

/// Makes background that does not reach the edge foreground. `out` may be `mask`.
void fill_holes(const std::uint8_t* mask, Extent size, std::uint8_t* out, std::span<std::byte> scratch);

/// Drops components of fewer than `min_area` pixels. `out` may be `mask`.
void area_open(const std::uint8_t* mask, Extent size, std::int64_t min_area, std::uint8_t* out,
               std::span<std::byte> scratch);

/// Labels components from 1 in raster order of their first pixels. Returns how many there are.
std::int32_t label_components(const std::uint8_t* mask, Extent size, std::int32_t* labels,
                              std::span<std::byte> scratch);

/// Measures what carries each label: `table` is a ComponentCount and `capacity` ComponentRecords, of which those past
/// the count are zeroed. Throws std::invalid_argument where a label is negative or exceeds the capacity.
void region_table(const std::int32_t* labels, Extent size, std::int64_t capacity, ComponentCount* table);

/// Fills holes, drops small components and labels the others; unless `table` is null, measures them too, all in one go
/// over the mask. Returns how many there are. Throws std::invalid_argument where they exceed the table's capacity.
std::int32_t clean_and_label(const std::uint8_t* mask, Extent size, std::int64_t min_area, std::int32_t* labels,
                             ComponentCount* table, std::int64_t capacity, std::span<std::byte> scratch);

/// Labels at another size: each pixel takes that of the nearest one.
void resize_labels(const std::int32_t* labels, Extent size, std::int32_t* out, Extent out_size);

}  // namespace giemsa::kernels::cpu
