// Bilinear upsampling of a feature map (upsample.h upsamples logits and decides on them in the same pass).
//
//   out[n][y][x][c] = (in[y0][x0] wy0 + in[y1][x0] wy1) wx0 + (in[y0][x1] wy0 + in[y1][x1] wy1) wx1     of in[n], c
//   source coordinate of d:  align_corners ? d (in-1)/(out-1) : (d + 0.5) in/out - 0.5                  (fp32)
#pragma once

#include "kernels/nhwc.h"
#include "kernels/types.h"

namespace giemsa::kernels {

struct UpsampleParams {
  int images = 1, channels = 0;
  Extent in = {}, out = {};  ///< out may also be smaller
  bool align_corners = false;
  /// What lies outside the input is 0 (MATLAB's and Caffe's fixed transposed convolution), not the nearest sample
  /// (PyTorch's interpolate).
  bool zero_outside = false;
  int input_pixel_stride = 0, output_pixel_stride = 0;
};

/// In {images, in.h, in.w, input_pixel_stride} -> out {images, out.h, out.w, output_pixel_stride}. T is float or Half;
/// the interpolation is fp32. From 1x1 it is a broadcast: with the nearest sample outside, exact. Any number of
/// channels, stride and address will do; whole 16-byte vectors are fast. Throws std::invalid_argument where a
/// precondition fails.
template <class T>
void upsample(T* out, const T* in, const UpsampleParams& params, Stream stream);

/// Each element is counted once: neighbouring pixels share the input in cache.
Cost cost(const UpsampleParams& params, int element_bytes);

}  // namespace giemsa::kernels
