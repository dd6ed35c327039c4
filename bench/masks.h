// Masks that the post-processing benchmarks label: what smears give, and what is hard.
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

#include "engine/ops/types.h"

namespace giemsa {

/// Round cells of various sizes with a hole in every third, as a segmenter leaves them.
inline bool in_blobs(std::int64_t y, std::int64_t x) {
  constexpr std::int64_t spacing = 96;
  const std::int64_t cell = (y / spacing) * 31 + x / spacing;
  const std::int64_t dy = y % spacing - spacing / 2, dx = x % spacing - spacing / 2;
  const std::int64_t radius = 12 + cell * 7 % 30, squared = dy * dy + dx * dx;
  return squared < radius * radius && !(cell % 3 == 0 && squared < 16);
}

/// One arm, eight pixels wide, that winds from the centre outwards: pieces that join late.
inline bool in_spiral(Size2 size, std::int64_t y, std::int64_t x) {
  const auto dy = static_cast<double>(y - size.h / 2), dx = static_cast<double>(x - size.w / 2);
  const double turns = std::hypot(dy, dx) / 16 - std::atan2(dy, dx) / (2 * std::numbers::pi);
  return turns - std::floor(turns) < 0.5;
}

/// A mask of 0 and 1. `pattern`: "blobs", "spiral", or "checkerboard", whose pixels all join at their corners.
inline std::vector<std::byte> make_mask(const std::string& pattern, Size2 size) {
  std::vector<std::byte> mask;
  mask.reserve(static_cast<std::size_t>(size.h * size.w));
  for (std::int64_t y = 0; y < size.h; ++y)
    for (std::int64_t x = 0; x < size.w; ++x) {
      const bool set = pattern == "blobs"    ? in_blobs(y, x)
                       : pattern == "spiral" ? in_spiral(size, y, x)
                                             : (y + x) % 2 == 0;
      mask.push_back(static_cast<std::byte>(set));
    }
  return mask;
}

}  // namespace giemsa
