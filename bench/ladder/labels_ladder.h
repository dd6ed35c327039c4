// How the CPU's cleanup of a mask came to be, step by step: holes filled, small components dropped, the rest numbered
// in raster order and measured. The step after the last is clean_and_label() of kernels/cpu/imaging/components.cpp,
// which finds the runs of both colours once and does everything on them.
//
//   file                   against the step before
//   labels_v1_flood.cpp    walks every component pixel by pixel, with a stack
//   labels_v2_pixels.cpp   union-find over pixels, in raster order: two passes a colour, no stack
//   labels_v3_runs.cpp     union-find over runs, found 64 pixels at a time; an op after the other, a mask between them
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/base/region.h"
#include "engine/ops/types.h"

namespace giemsa::ladder {

/// As clean_and_label(). Scratch: labels_scratch_bytes().
using LabelsRun = std::int32_t (*)(const std::uint8_t* mask, Size2 size, std::int64_t min_area, std::int32_t* labels,
                                   RegionCount* table, std::int64_t capacity, std::span<std::byte> scratch);

std::int32_t labels_v1_flood(const std::uint8_t* mask, Size2 size, std::int64_t min_area, std::int32_t* labels,
                             RegionCount* table, std::int64_t capacity, std::span<std::byte> scratch);
std::int32_t labels_v2_pixels(const std::uint8_t* mask, Size2 size, std::int64_t min_area, std::int32_t* labels,
                              RegionCount* table, std::int64_t capacity, std::span<std::byte> scratch);
std::int32_t labels_v3_runs(const std::uint8_t* mask, Size2 size, std::int64_t min_area, std::int32_t* labels,
                            RegionCount* table, std::int64_t capacity, std::span<std::byte> scratch);

/// Enough for each of them, and for clean_and_label().
std::size_t labels_scratch_bytes(Size2 size);

/// Adds a pixel to a component whose record starts as empty_region(); finish() then makes a Region of it.
inline Region empty_region(std::int32_t x, std::int32_t y) {
  return {x, y, x, y, 0, 0, 0, 0};
}
inline void add_pixel(Region& region, std::int32_t x, std::int32_t y) {  // w and h: right and bottom, until finish()
  region.x = x < region.x ? x : region.x;
  region.w = x > region.w ? x : region.w;
  region.h = y > region.h ? y : region.h;
  ++region.area;
  region.sum_x += x;
  region.sum_y += y;
}
inline void finish(Region& region) {
  region.w += 1 - region.x;
  region.h += 1 - region.y;
}

}  // namespace giemsa::ladder
