// Bilinear interpolation to a given size, as PyTorch's interpolate computes it, and the same followed by a threshold.
//
//   out[y][x] = (a[y0][x0] wx0 + a[y0][x1] wx1) wy0 + (a[y1][x0] wx0 + a[y1][x1] wx1) wy1
//   source coordinate of d:  align_corners ? d (in-1)/(out-1) : (d + 0.5) in/out - 0.5      (fp32)
//
// An input row is widened once and then serves all output rows around it. Bound by the output's memory traffic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/cpu/nhwc.h"
#include "engine/ops/threshold.h"
#include "engine/ops/upsample.h"

namespace giemsa::cpu {

/// A tensor stored as [outer][h][w][inner], channels split between outer and inner: inner is 1 for NCHW, 8 or 16 for
/// nChw8c and nChw16c, C for NHWC.
struct ChannelLayout {
  std::int64_t outer = 1, inner = 1;
};

/// Scratch for as many threads as OpenMP would start now. Given scratch for fewer, the ops below run on fewer.
std::size_t upsample_scratch_bytes(const Upsample& op, ChannelLayout layout);

/// {outer, in.h, in.w, inner} -> {outer, op.output.h, op.output.w, inner}. With op.edge = zero, what lies outside the
/// input counts as zero; otherwise as the nearest sample.
void upsample(const Upsample& op, const float* in, Size2 in_size, ChannelLayout layout, float* out,
              std::span<std::byte> scratch);

/// The same between pictures of any element types and pixel strides, interpolated in fp32 and rounded once.
void upsample(const Upsample& op, const Nhwc& dst, const Nhwc& src, std::span<std::byte> scratch);

std::size_t upsample_threshold_scratch_bytes(const UpsampleThreshold& op, std::int64_t channels);

/// Logits {C,h,w} -> mask u8 op.output, 0 or 1. The upsampled logits never leave the cache.
void upsample_threshold(const UpsampleThreshold& op, const float* logits, std::int64_t channels, Size2 in_size,
                        std::uint8_t* mask, std::span<std::byte> scratch);

/// Logits {C, pixels} -> mask u8, 1 where the probability of not being class 0 exceeds the threshold t, decided without
/// computing it:  C = 1: l0 > ln(t/(1-t));  C = 2: l1 - l0 > ln(t/(1-t));  C > 2: sum_c exp(lc - l0) > t/(1-t).
void threshold(const Threshold& op, const float* logits, std::int64_t channels, std::int64_t pixels,
               std::uint8_t* mask);

}  // namespace giemsa::cpu
