// Pictures in NHWC as parameters describe them. A pixel's channels are neighbours; from a pixel to the next it is a
// stride of at least that many elements, so that a kernel can read or write a slice of a wider tensor (a concat).
#pragma once

namespace giemsa::kernels {

/// Height and width.
struct Extent {
  int h = 0, w = 0;
};

/// How a window moves over a picture: tap k of output o reads input o * stride - padding + k * dilation.
struct SlidingWindow {
  Extent kernel{1, 1}, stride{1, 1}, padding{0, 0}, dilation{1, 1};
};

}  // namespace giemsa::kernels
