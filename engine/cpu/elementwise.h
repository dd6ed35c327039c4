// Ops that visit each element once. Bandwidth-bound; used where passes could not fuse them away.
#pragma once

#include "engine/cpu/nhwc.h"
#include "engine/ops/types.h"

namespace giemsa::cpu {

/// dst = src, converting between element types, scales and pixel strides. What 8 bits cannot hold saturates.
void copy_pixels(const Nhwc& dst, const Nhwc& src);

/// dst = activation(a + b), all of one floating type.
void add_pixels(const Nhwc& dst, const Nhwc& a, const Nhwc& b, Activation activation);

/// dst = max(src, 0), both of one floating type. A NaN stays NaN.
void relu_pixels(const Nhwc& dst, const Nhwc& src);

/// dst = src * scale[c] + shift[c], both of one floating type.
void affine_pixels(const Nhwc& dst, const Nhwc& src, const float* scale, const float* shift);

/// Dense fp32 NCHW -> NHWC.
void import_nchw(const Nhwc& dst, const float* src);

/// NHWC -> dense fp32 NCHW.
void export_nchw(float* dst, const Nhwc& src);

/// NHWC -> dense NCHW in 8 bits, a step of which stands for `scale`.
void flatten(std::uint8_t* dst, float scale, const Nhwc& src);

/// {n,k} row by row: dst = exp(x - max) / sum.
void softmax_rows(float* dst, const float* src, std::int64_t n, std::int64_t k);

}  // namespace giemsa::cpu
