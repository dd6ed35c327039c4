// Step 2: union-find over pixels, in raster order. A pixel joins those of its colour left of it and above; a parent
// precedes its children, so one more pass in raster order makes every parent a root. Against v1: memory is read in
// order and there is no stack, but every pixel still has a parent of 4 bytes, written, read and followed several times,
// a colour after the other. That is only worth it where v1's steps leave the caches: it is the slower of the two at
// 640x480 and the faster at 4096x4096 (bench/README.md).
#include <algorithm>

#include "bench/ladder/labels_ladder.h"
#include "kernels/cpu/scratch.h"

namespace giemsa::ladder {

namespace {

/// Parents of pixels, 1 + pixel; 0 stands for what is beyond the edge, and for pixels that take no part.
struct Forest {
  std::int32_t* parent;

  std::int32_t find(std::int32_t node) const {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  }
  void unite(std::int32_t a, std::int32_t b) const {
    a = find(a);
    b = find(b);
    parent[std::max(a, b)] = std::min(a, b);
  }
};

}  // namespace

std::int32_t labels_v2_pixels(const std::uint8_t* mask, Size2 size, std::int64_t min_area, std::int32_t* labels,
                              RegionCount* table, std::int64_t capacity, std::span<std::byte> scratch) {
  kernels::cpu::Scratch memory(scratch);
  const auto h = static_cast<std::int32_t>(size.h), w = static_cast<std::int32_t>(size.w), pixels = h * w;
  const Forest forest{memory.take<std::int32_t>(1 + pixels)};
  auto* const filled = memory.take<std::uint8_t>(pixels);
  auto* const areas = memory.take<std::int32_t>(1 + pixels);  // by root; then its label
  auto* const regions = reinterpret_cast<Region*>(table + 1);

  forest.parent[0] = 0;
  for (std::int32_t y = 0, node = 1; y < h; ++y)
    for (std::int32_t x = 0; x < w; ++x, ++node) {
      const bool edge = y == 0 || y == h - 1 || x == 0 || x == w - 1;
      forest.parent[node] = node;
      if (mask[node - 1] != 0) continue;
      if (edge) forest.unite(0, node);
      if (x > 0 && mask[node - 2] == 0) forest.unite(node, node - 1);
      if (y > 0 && mask[node - 1 - w] == 0) forest.unite(node, node - w);
    }
  for (std::int32_t node = 1; node <= pixels; ++node) {
    forest.parent[node] = forest.parent[forest.parent[node]];
    filled[node - 1] = mask[node - 1] != 0 || forest.parent[node] != 0;
  }

  for (std::int32_t y = 0, node = 1; y < h; ++y)
    for (std::int32_t x = 0; x < w; ++x, ++node) {
      forest.parent[node] = filled[node - 1] ? node : 0;
      areas[node] = 0;
      if (!filled[node - 1]) continue;
      if (x > 0 && filled[node - 2]) forest.unite(node, node - 1);
      if (y == 0) continue;
      if (x > 0 && filled[node - 2 - w]) forest.unite(node, node - w - 1);
      if (filled[node - 1 - w]) forest.unite(node, node - w);
      if (x + 1 < w && filled[node - w]) forest.unite(node, node - w + 1);
    }
  for (std::int32_t node = 1; node <= pixels; ++node) {
    forest.parent[node] = forest.parent[forest.parent[node]];
    ++areas[forest.parent[node]];
  }

  std::int32_t count = 0;
  areas[0] = 0;
  for (std::int32_t y = 0, node = 1; y < h; ++y)
    for (std::int32_t x = 0; x < w; ++x, ++node) {
      const std::int32_t root = forest.parent[node];
      if (root == node) {  // the first pixel of its component
        areas[node] = areas[node] >= min_area ? ++count : 0;
        if (areas[node] != 0) regions[count - 1] = empty_region(x, y);
      }
      const std::int32_t label = root == 0 ? 0 : areas[root];
      labels[node - 1] = label;
      if (label != 0) add_pixel(regions[label - 1], x, y);
    }
  std::for_each(regions, regions + count, finish);
  *table = {count, {}};
  std::fill(regions + count, regions + capacity, Region{});
  return count;
}

}  // namespace giemsa::ladder
