#include "tools/samples/noise.h"

#include <algorithm>
#include <cmath>

namespace giemsa::samples {
namespace {

std::uint32_t hash(std::uint32_t seed, int x, int y) {
  std::uint32_t h =
      seed ^ (static_cast<std::uint32_t>(x) * 0x9e3779b1u) ^ (static_cast<std::uint32_t>(y) * 0x85ebca77u);
  h = (h ^ (h >> 16)) * 0x7feb352du;
  h = (h ^ (h >> 15)) * 0x846ca68bu;
  return h ^ (h >> 16);
}

/// Bits `shift`..`shift`+9 of `h` in [0, 1).
float unit(std::uint32_t h, int shift) {
  return static_cast<float>((h >> shift) & 1023u) * 0x1p-10f;
}

}  // namespace

float noise(std::uint32_t seed, Vec p) {
  const float left = std::floor(p.x), top = std::floor(p.y);
  const int x = static_cast<int>(left), y = static_cast<int>(top);
  const auto value = [&](int i, int j) { return static_cast<float>(hash(seed, x + i, y + j) >> 8) * 0x1p-23f - 1; };
  const float u = smoothstep(0, 1, p.x - left);
  const float upper = mix(value(0, 0), value(1, 0), u);
  const float lower = mix(value(0, 1), value(1, 1), u);
  return mix(upper, lower, smoothstep(0, 1, p.y - top));
}

float cloud(std::uint32_t seed, Vec p) {
  const float coarse = noise(seed, p);
  const float middle = noise(seed + 1, p * 2);
  const float fine = noise(seed + 2, p * 4);
  return (4 * coarse + 2 * middle + fine) / 7;
}

float grain(std::uint32_t seed, const Grains& grains, Vec p) {
  const Vec place = p * (1 / grains.spacing);
  const int x = static_cast<int>(std::floor(place.x)), y = static_cast<int>(std::floor(place.y));
  const float radius = grains.radius / grains.spacing;
  float covered = 0;
  for (int j = y - 1; j <= y + 1; ++j) {
    for (int i = x - 1; i <= x + 1; ++i) {
      const std::uint32_t h = hash(seed, i, j);
      if (unit(h, 20) >= grains.density) continue;
      const Vec centre{static_cast<float>(i) + unit(h, 0), static_cast<float>(j) + unit(h, 10)};
      const Vec offset = place - centre;
      const float size = radius * (0.6f + 0.4f * unit(h, 5));
      const float inside = 1 - dot(offset, offset) / (size * size);
      covered = std::max(covered, std::min(1.0f, 2 * inside));
    }
  }
  return covered;
}

}  // namespace giemsa::samples
