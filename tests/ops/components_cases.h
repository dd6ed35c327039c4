// Masks that try the component ops: shapes that join late, nest deeply or touch only at corners.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/ops/types.h"
#include "tests/ops/random.h"

namespace giemsa::test {

enum class Pattern {
  empty,
  full,
  one_pixel,
  checkerboard,
  stripes,
  comb,
  spiral,
  rings,
  diagonals,
  noise,
  dense_noise,
  blobs
};

struct ComponentsCase {
  const char* name;
  Size2 size;
  Pattern pattern;
  std::int64_t min_area;
};

constexpr ComponentsCase components_cases[] = {
    {"1x1 empty", {1, 1}, Pattern::empty, 1},
    {"1x1 full", {1, 1}, Pattern::full, 1},
    {"one row", {1, 33}, Pattern::noise, 2},
    {"one column", {33, 1}, Pattern::noise, 2},
    {"two rows", {2, 130}, Pattern::dense_noise, 3},
    {"empty", {31, 33}, Pattern::empty, 1},
    {"full", {31, 33}, Pattern::full, 200},
    {"one pixel", {31, 33}, Pattern::one_pixel, 2},
    {"checkerboard", {33, 31}, Pattern::checkerboard, 1},
    {"stripes", {31, 64}, Pattern::stripes, 32},
    {"comb", {33, 129}, Pattern::comb, 1},
    {"spiral", {63, 65}, Pattern::spiral, 1},
    {"spiral, width a multiple of 64", {64, 128}, Pattern::spiral, 1},
    {"nested rings", {61, 67}, Pattern::rings, 60},
    {"diagonals", {40, 33}, Pattern::diagonals, 5},
    {"noise", {65, 63}, Pattern::noise, 4},
    {"dense noise", {64, 191}, Pattern::dense_noise, 3},
    {"blobs", {97, 131}, Pattern::blobs, 40},
};

/// Whether pixel (y, x) lies on a one-pixel wide path that winds inwards with gaps of one pixel.
inline std::vector<std::uint8_t> spiral(Size2 size) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(size.h * size.w));
  const auto free = [&](std::int64_t y, std::int64_t x) {
    return y < 0 || y >= size.h || x < 0 || x >= size.w || !mask[static_cast<std::size_t>(y * size.w + x)];
  };
  std::int64_t y = 0, x = 0, dy = 0, dx = 1;
  const auto can_go = [&] {
    const std::int64_t ny = y + dy, nx = x + dx;
    return ny >= 0 && ny < size.h && nx >= 0 && nx < size.w && free(ny, nx) && free(ny + dy, nx + dx);
  };
  while (true) {
    mask[static_cast<std::size_t>(y * size.w + x)] = 1;
    if (!can_go()) {
      std::swap(dy, dx);
      dx = -dx;  // right turns: (0,1) -> (1,0) -> (0,-1) -> (-1,0)
      if (!can_go()) return mask;
    }
    y += dy;
    x += dx;
  }
}

inline std::vector<std::uint8_t> make_mask(Pattern pattern, Size2 size) {
  if (pattern == Pattern::spiral) return spiral(size);
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(size.h * size.w));
  Random random(7);
  const auto set = [&](const auto& rule) {
    for (std::int64_t y = 0; y < size.h; ++y)
      for (std::int64_t x = 0; x < size.w; ++x) mask[static_cast<std::size_t>(y * size.w + x)] = rule(y, x) ? 1 : 0;
  };
  using I = std::int64_t;
  switch (pattern) {
    case Pattern::empty:
    case Pattern::spiral:
      break;
    case Pattern::full:
      set([](I, I) { return true; });
      break;
    case Pattern::one_pixel:
      mask[mask.size() / 2] = 255;
      break;
    case Pattern::checkerboard:
      set([](I y, I x) { return (y + x) % 2 == 0; });
      break;
    case Pattern::stripes:
      set([](I y, I) { return y % 2 == 0; });
      break;
    case Pattern::comb:
      set([&](I y, I x) { return x % 2 == 0 || y == size.h - 1; });
      break;
    case Pattern::rings:
      set([&](I y, I x) { return std::min({y, x, size.h - 1 - y, size.w - 1 - x}) % 4 == 1; });
      break;
    case Pattern::diagonals:
      set([](I y, I x) { return (y + x) % 5 == 0 || (x - y + 400) % 7 == 0; });
      break;
    case Pattern::noise:
      set([&](I, I) { return random.uniform(0, 1) < 0.35f; });
      break;
    case Pattern::dense_noise:
      set([&](I, I) { return random.uniform(0, 1) < 0.65f; });
      break;
    case Pattern::blobs:
      for (int i = 0; i < 12; ++i) {
        const I cy = static_cast<I>(random.bits() % static_cast<std::uint64_t>(size.h));
        const I cx = static_cast<I>(random.bits() % static_cast<std::uint64_t>(size.w));
        const I radius = 3 + static_cast<I>(random.bits() % 14), hole = static_cast<I>(random.bits() % 6);
        for (I y = 0; y < size.h; ++y)
          for (I x = 0; x < size.w; ++x) {
            const I d = (y - cy) * (y - cy) + (x - cx) * (x - cx);
            if (d <= radius * radius && d >= hole * hole) mask[static_cast<std::size_t>(y * size.w + x)] = 255;
          }
      }
  }
  return mask;
}

}  // namespace giemsa::test
