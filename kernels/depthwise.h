// Depthwise convolution: every channel has a kernel of its own.
//
//   out[n][y][x][c] = act(bias[c] + sum_{i,j} in[n][y sh - ph + i dh][x sw - pw + j dw][c] w[i][j][c]),  zero outside
#pragma once

#include "kernels/ceiling.h"
#include "kernels/nhwc.h"
#include "kernels/types.h"

namespace giemsa::kernels {

struct DepthwiseParams {
  int images = 1, channels = 0;
  Extent in = {}, out = {};
  SlidingWindow window = {};
  int input_pixel_stride = 0, output_pixel_stride = 0;
  bool relu = false;
  float ceiling = unbounded;  ///< with relu: the largest result, 6 of ReLU6
};

/// In {images, in.h, in.w, input_pixel_stride}, weights {kernel.h, kernel.w, channels}, bias {channels} fp32 or null
/// -> out {images, out.h, out.w, output_pixel_stride}. T is float or Half; sums are fp32. Channels and pixel strides
/// are multiples of 16 bytes, all pointers aligned to it. Throws std::invalid_argument where a precondition fails.
template <class T>
void depthwise(T* out, const T* in, const T* weights, const float* bias, const DepthwiseParams& params, Stream stream);

/// Input, weights and output are counted once: taps meet in the caches.
Cost cost(const DepthwiseParams& params, int element_bytes);

}  // namespace giemsa::kernels
