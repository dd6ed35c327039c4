// From a mask to numbered cells: hole filling, area opening, connected components and their table. Foreground is
// 8-connected, background 4-connected; a mask's foreground is whatever is not zero, and masks written hold 0 and 1.
//
// Every op works on runs (stretches of one colour within a row) joined by union-find, so the time is linear in the
// pixels read plus the runs found, whatever the picture. The smallest run of a set is its root: the first in raster
// order, which is the order that labels are given in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/base/region.h"
#include "engine/ops/types.h"

namespace giemsa::cpu {

/// Scratch that each op below takes for a mask of this size (region_table() takes none).
std::size_t components_scratch_bytes(Size2 size);

/// The FillHoles op. `out` may be `mask`.
void fill_holes(const std::uint8_t* mask, Size2 size, std::uint8_t* out, std::span<std::byte> scratch);

/// The AreaOpen op. `out` may be `mask`.
void area_open(const std::uint8_t* mask, Size2 size, std::int64_t min_area, std::uint8_t* out,
               std::span<std::byte> scratch);

/// The Components op. Returns the number of components.
std::int32_t label_components(const std::uint8_t* mask, Size2 size, std::int32_t* labels, std::span<std::byte> scratch);

/// The Regions op: `table` is a RegionCount and `capacity` Regions; those past the count are zeroed. Throws
/// Error(internal) where a label is negative or exceeds the capacity.
void region_table(const std::int32_t* labels, Size2 size, std::int64_t capacity, RegionCount* table);

/// The CleanAndLabel op and, unless `table` is null, the Regions op in one go over the mask. Returns the number of
/// components. Throws Error(internal) where it exceeds the table's capacity.
std::int32_t clean_and_label(const std::uint8_t* mask, Size2 size, std::int64_t min_area, std::int32_t* labels,
                             RegionCount* table, std::int64_t capacity, std::span<std::byte> scratch);

/// The ResizeLabels op.
void resize_labels(const std::int32_t* labels, Size2 size, std::int32_t* out, Size2 out_size);

}  // namespace giemsa::cpu
