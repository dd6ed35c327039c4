// Pooling.
//
//   max_pool      out[n][y][x][c] = max over the window's taps that lie in the input       (NaN if one of them is)
//   average_pool  out[n][i][j][c] = mean of rows floor(i H/h) .. ceil((i+1) H/h), columns alike     (exclusive ends)
#pragma once

#include "kernels/nhwc.h"
#include "kernels/types.h"

namespace giemsa::kernels {

struct MaxPoolParams {
  int images = 1, channels = 0;
  Extent in = {}, out = {};  ///< out as floor or ceil mode give it; each window has a tap in the input
  SlidingWindow window = {};
  int input_pixel_stride = 0, output_pixel_stride = 0;
};

struct AveragePoolParams {
  int images = 1, channels = 0;
  Extent in = {}, out = {};  ///< out {1, 1}: global
  int input_pixel_stride = 0, output_pixel_stride = 0;
};

/// In {images, in.h, in.w, input_pixel_stride} -> out {images, out.h, out.w, output_pixel_stride}, as
/// torch.nn.MaxPool2d. T is float or Half. Channels and pixel strides are multiples of 16 bytes, pointers aligned to
/// it. Throws std::invalid_argument where a precondition fails, as does average_pool().
template <class T>
void max_pool(T* out, const T* in, const MaxPoolParams& params, Stream stream);

/// Likewise, as torch.nn.AdaptiveAvgPool2d. Sums are fp32, in an order that depends on the shapes alone.
template <class T>
void average_pool(T* out, const T* in, const AveragePoolParams& params, Stream stream);

/// A comparison or an addition is one flop.
Cost cost(const MaxPoolParams& params, int element_bytes);
Cost cost(const AveragePoolParams& params, int element_bytes);

}  // namespace giemsa::kernels
