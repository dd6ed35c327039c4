// Depthwise convolution over NHWC, any kernel, stride and dilation.
//
//   out[y][x][c] = act( sum over taps (ky, kx) inside the input of in[.][.][c] weight[ky][kx][c] + bias[c] )
//
// It reads the input kernel.h * kernel.w times from cache and writes once; 2 * kernel.h * kernel.w FLOPs per output, so
// it is bound by loads. oneDNN 2.6 falls back to an im2col matrix product for atrous depthwise kernels (8 GFLOP/s
// measured on the ASPP's 2048 channels); this kernel skips taps in the padding, which at rates near the map's size are
// most of them. The commonest kernel, 3x3 without dilation or stride, keeps what neighbouring pixels share in
// registers, and loads a third.
#pragma once

#include <limits>

#include "kernels/cpu/nhwc.h"

namespace giemsa::kernels::cpu {

struct DepthwiseParams {
  SlidingWindow window;
  bool relu = false;
  float ceiling = std::numeric_limits<float>::infinity();  ///< with relu: the largest result, 6 of ReLU6
};

/// dst = act(conv(src) + bias). `weights` is tap-major: [kernel.h * kernel.w][c]. dst and src have one floating type,
/// or 8 bits each. Elements of 8 bits count as they are stored: weights, bias and ceiling bring the scales in.
void depthwise(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias,
               const DepthwiseParams& params);

}  // namespace giemsa::kernels::cpu
