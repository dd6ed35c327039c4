// Feature maps in memory, and windows that slide over them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/elements.h"

namespace giemsa::kernels::cpu {

/// Height and width.
struct Extent {
  std::int64_t h = 0, w = 0;
  friend bool operator==(const Extent&, const Extent&) = default;
};

/// How a window moves over a feature map: tap k of output o reads input o * stride - padding + k * dilation.
struct SlidingWindow {
  Extent kernel{1, 1}, stride{1, 1}, padding{0, 0}, dilation{1, 1};
};

/// n feature maps of h x w pixels and c channels. A pixel's channels are adjacent; from a pixel to the next it is
/// `pixel_stride` elements, so that a kernel can read or write a slice of a concatenation.
struct Nhwc {
  std::byte* data = nullptr;
  Element element = Element::f32;
  std::int64_t n = 0, h = 0, w = 0, c = 0, pixel_stride = 0;
  float scale = 1;  ///< the real number that an 8-bit 1 stands for

  std::int64_t pixels() const { return n * h * w; }
  template <class T>
  T* pixel(std::int64_t index) const {
    return reinterpret_cast<T*>(data) + index * pixel_stride;
  }
};

}  // namespace giemsa::kernels::cpu
