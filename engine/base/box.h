// A rectangle of pixels.
#pragma once

#include <cstdint>

namespace giemsa {

/// Pixels x .. x+w-1, y .. y+h-1, origin top left; in memory a row of an int32 tensor {N,4}.
struct Box {
  std::int32_t x, y, w, h;

  /// Whether the two share a pixel.
  bool overlaps(const Box& o) const { return x < o.x + o.w && o.x < x + w && y < o.y + o.h && o.y < y + h; }
  friend bool operator==(const Box&, const Box&) = default;
};
static_assert(sizeof(Box) == 4 * sizeof(std::int32_t));

}  // namespace giemsa
