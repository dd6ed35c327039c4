// Depthwise convolution over NHWC, any kernel, stride and dilation.
//
// Reads the input kernel.h * kernel.w times from cache and writes once; 2 * kernel.h * kernel.w FLOPs an output, so it
// is bound by loads. oneDNN 2.6 falls back to an im2col matrix product for atrous depthwise kernels (8 GFLOP/s measured
// on the ASPP's 2048 channels); this one skips taps in the padding, which at rates near the map's size are most of
// them. The commonest kernel, 3x3 without dilation or stride, keeps its taps and what neighbouring pixels share in
// registers, and loads a third.
#pragma once

#include "engine/cpu/nhwc.h"
#include "engine/ops/conv2d.h"

namespace giemsa::cpu {

/// dst = activation(conv(src) + bias). `weights` is tap-major: [kernel.h * kernel.w][c]. dst and src have one floating
/// type, or 8 bits each. Elements of 8 bits count as they are stored: weights and bias bring the scales in.
void depthwise(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias, const Conv2d& op);

}  // namespace giemsa::cpu
