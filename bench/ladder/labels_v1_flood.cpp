// Step 1: flood fill. What the background reaches from the edge is no hole; then each component of the rest is walked
// from its first pixel, 8 neighbours a pixel, with a stack of pixels in memory. A pixel of the background is read 5
// times, one of the foreground 9 times, at addresses that follow the shape and not the memory; each test of a neighbour
// is a branch that predictors miss at every outline.
#include <algorithm>

#include "bench/ladder/labels_ladder.h"
#include "kernels/cpu/scratch.h"

namespace giemsa::ladder {

namespace {

enum : std::int32_t { reached = -3, dropped = -2, unseen = -1 };  // labels, until they are final

}  // namespace

std::int32_t labels_v1_flood(const std::uint8_t* mask, Size2 size, std::int64_t min_area, std::int32_t* labels,
                             RegionCount* table, std::int64_t capacity, std::span<std::byte> scratch) {
  kernels::cpu::Scratch memory(scratch);
  auto* const stack = memory.take<std::int32_t>(size.h * size.w);
  auto* const regions = reinterpret_cast<Region*>(table + 1);
  const auto h = static_cast<std::int32_t>(size.h), w = static_cast<std::int32_t>(size.w);
  std::fill_n(labels, size.h * size.w, unseen);

  std::int32_t depth = 0;
  const auto reach = [&](std::int32_t pixel) {
    if (mask[pixel] != 0 || labels[pixel] != unseen) return;
    labels[pixel] = reached;
    stack[depth++] = pixel;
  };
  for (std::int32_t x = 0; x < w; ++x) reach(x), reach((h - 1) * w + x);
  for (std::int32_t y = 0; y < h; ++y) reach(y * w), reach(y * w + w - 1);
  while (depth > 0) {
    const std::int32_t pixel = stack[--depth], y = pixel / w, x = pixel - y * w;
    if (x > 0) reach(pixel - 1);
    if (x + 1 < w) reach(pixel + 1);
    if (y > 0) reach(pixel - w);
    if (y + 1 < h) reach(pixel + w);
  }

  std::int32_t count = 0;
  for (std::int32_t first = 0; first < h * w; ++first) {
    if (labels[first] != unseen) continue;
    Region region = empty_region(first % w, first / w);
    std::int32_t end = 1;  // the stack keeps whom it gave: the component's pixels, should it be too small
    stack[0] = first;
    labels[first] = count + 1;
    for (std::int32_t next = 0; next < end; ++next) {
      const std::int32_t pixel = stack[next], y = pixel / w, x = pixel - y * w;
      add_pixel(region, x, y);
      for (std::int32_t v = std::max(y - 1, 0); v <= std::min(y + 1, h - 1); ++v)
        for (std::int32_t u = std::max(x - 1, 0); u <= std::min(x + 1, w - 1); ++u)
          if (labels[v * w + u] == unseen) {
            labels[v * w + u] = count + 1;
            stack[end++] = v * w + u;
          }
    }
    if (region.area < min_area) {
      for (std::int32_t i = 0; i < end; ++i) labels[stack[i]] = dropped;
      continue;
    }
    finish(region);
    regions[count++] = region;
  }
  for (std::int32_t pixel = 0; pixel < h * w; ++pixel) labels[pixel] = std::max(labels[pixel], 0);
  *table = {count, {}};
  std::fill(regions + count, regions + capacity, Region{});
  return count;
}

}  // namespace giemsa::ladder
