// Operations that visit each element once: bound by bandwidth, and run where they could not be fused away.
#pragma once

#include "kernels/cpu/nhwc.h"

namespace giemsa::kernels::cpu {

/// dst = src, converting between element types, scales and pixel strides. What 8 bits cannot hold saturates.
void copy_pixels(const Nhwc& dst, const Nhwc& src);

/// dst = a + b, of which `relu` keeps what is not negative; all of one floating type.
void add_pixels(const Nhwc& dst, const Nhwc& a, const Nhwc& b, bool relu);

/// dst = max(src, 0), both of one floating type. A NaN stays NaN.
void relu_pixels(const Nhwc& dst, const Nhwc& src, float ceiling);

/// dst = src * scale[c] + shift[c], both of one floating type.
void affine_pixels(const Nhwc& dst, const Nhwc& src, const float* scale, const float* shift);

/// Dense fp32 NCHW -> NHWC.
void import_nchw(const Nhwc& dst, const float* src);

/// NHWC -> dense fp32 NCHW.
void export_nchw(float* dst, const Nhwc& src);

/// NHWC -> dense NCHW in 8 bits, of which a 1 stands for `scale`.
void flatten(std::uint8_t* dst, float scale, const Nhwc& src);

/// {n,k}, row by row: dst = exp(src - max) / sum.
void softmax_rows(float* dst, const float* src, std::int64_t n, std::int64_t k);

}  // namespace giemsa::kernels::cpu
