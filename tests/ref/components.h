// Hole filling, area opening, labels and regions by breadth-first flood fill.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/base/region.h"
#include "engine/ops/types.h"

namespace giemsa::ref {

using MaskPixels = std::vector<std::uint8_t>;
using LabelPixels = std::vector<std::int32_t>;

/// The pixels with the same colour (zero or not) that can be reached from `start`.
inline std::vector<std::int64_t> flood(const MaskPixels& mask, Size2 size, std::int64_t start, bool corners,
                                       std::vector<bool>& seen) {
  std::vector<std::int64_t> reached{start};
  seen[static_cast<std::size_t>(start)] = true;
  for (std::size_t i = 0; i < reached.size(); ++i) {
    const std::int64_t y = reached[i] / size.w, x = reached[i] % size.w;
    for (std::int64_t dy = -1; dy <= 1; ++dy)
      for (std::int64_t dx = -1; dx <= 1; ++dx) {
        if (!corners && dx != 0 && dy != 0) continue;
        if (y + dy < 0 || y + dy >= size.h || x + dx < 0 || x + dx >= size.w) continue;
        const auto next = static_cast<std::size_t>((y + dy) * size.w + x + dx);
        if (seen[next] || (mask[next] != 0) != (mask[static_cast<std::size_t>(start)] != 0)) continue;
        seen[next] = true;
        reached.push_back(static_cast<std::int64_t>(next));
      }
  }
  return reached;
}

inline MaskPixels fill_holes(const MaskPixels& mask, Size2 size) {
  MaskPixels out(mask.size());
  std::vector<bool> seen(mask.size());
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i]) out[i] = 1;
    if (mask[i] || seen[i]) continue;
    const auto background = flood(mask, size, static_cast<std::int64_t>(i), false, seen);
    const bool open = std::any_of(background.begin(), background.end(), [&](std::int64_t p) {
      return p / size.w == 0 || p / size.w == size.h - 1 || p % size.w == 0 || p % size.w == size.w - 1;
    });
    if (!open)
      for (std::int64_t p : background) out[static_cast<std::size_t>(p)] = 1;
  }
  return out;
}

/// Labels of the components of at least `min_area` pixels, in raster order; returns how many.
inline std::int32_t label(const MaskPixels& mask, Size2 size, std::int64_t min_area, LabelPixels& labels) {
  labels.assign(mask.size(), 0);
  std::vector<bool> seen(mask.size());
  std::int32_t count = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (!mask[i] || seen[i]) continue;
    const auto component = flood(mask, size, static_cast<std::int64_t>(i), true, seen);
    if (static_cast<std::int64_t>(component.size()) < min_area) continue;
    ++count;
    for (std::int64_t p : component) labels[static_cast<std::size_t>(p)] = count;
  }
  return count;
}

inline MaskPixels area_open(const MaskPixels& mask, Size2 size, std::int64_t min_area) {
  LabelPixels labels;
  label(mask, size, min_area, labels);
  MaskPixels out(mask.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = labels[i] != 0;
  return out;
}

inline std::vector<Region> regions(const LabelPixels& labels, Size2 size, std::int32_t count) {
  std::vector<Region> table(static_cast<std::size_t>(count));
  for (std::int32_t l = 1; l <= count; ++l) {
    std::int64_t left = size.w, top = size.h, right = 0, bottom = 0;
    Region& region = table[static_cast<std::size_t>(l - 1)];
    for (std::int64_t y = 0; y < size.h; ++y)
      for (std::int64_t x = 0; x < size.w; ++x) {
        if (labels[static_cast<std::size_t>(y * size.w + x)] != l) continue;
        left = std::min(left, x);
        top = std::min(top, y);
        right = std::max(right, x + 1);
        bottom = std::max(bottom, y + 1);
        region.area += 1;
        region.sum_x += x;
        region.sum_y += y;
      }
    region.x = static_cast<std::int32_t>(left);
    region.y = static_cast<std::int32_t>(top);
    region.w = static_cast<std::int32_t>(right - left);
    region.h = static_cast<std::int32_t>(bottom - top);
  }
  return table;
}

}  // namespace giemsa::ref
