// Bilinear interpolation to a given size, as PyTorch's interpolate computes it, and the same followed by a threshold.
//
//   out[y][x] = (a[y0][x0] wx0 + a[y0][x1] wx1) wy0 + (a[y1][x0] wx0 + a[y1][x1] wx1) wy1
//   source coordinate of d:  align_corners ? d (in-1)/(out-1) : (d + 0.5) in/out - 0.5      (fp32)
//
// An input row is interpolated along x once and then serves all output rows around it. Bound by the output's memory
// traffic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/nhwc.h"

namespace giemsa::kernels::cpu {

struct UpsampleParams {
  bool align_corners = false;
  bool zero_edge = false;  ///< what lies outside the input counts as zero, not as the nearest sample
};

/// Scratch for an output row of `width` pixels and `channels` channels on each thread that a loop would run on now.
/// Given scratch for fewer threads, upsample() runs on fewer.
std::size_t upsample_scratch_bytes(std::int64_t width, std::int64_t channels);

/// src {n, h, w, c} -> dst {n, H, W, c}, of any element types and pixel strides: interpolated in fp32 and rounded once.
void upsample(const Nhwc& dst, const Nhwc& src, const UpsampleParams& params, std::span<std::byte> scratch);

/// Classes as bits: bit c stands for class c.
using ClassSet = std::uint64_t;
constexpr ClassSet all_but_class_0 = ~ClassSet{1};

struct UpsampleThresholdParams {
  std::int64_t channels = 0;
  Extent in, out;
  bool align_corners = false;
  float threshold = 0.5f;
  ClassSet cells = all_but_class_0;
};

/// As upsample_scratch_bytes().
std::size_t upsample_threshold_scratch_bytes(const UpsampleThresholdParams& params);

/// Logits {channels, in.h, in.w} -> mask u8 {out.h, out.w}, 0 or 1 as threshold() decides. The upsampled logits never
/// leave the cache.
void upsample_threshold(std::uint8_t* mask, const float* logits, const UpsampleThresholdParams& params,
                        std::span<std::byte> scratch);

/// Logits {channels, pixels} -> mask u8, 1 where the probability of being one of `cells` exceeds the threshold t,
/// decided without computing it:
///   C = 1: l0 > ln(t/(1-t));  C = 2: lcell - lother > ln(t/(1-t))
///   C > 2: sum over cells of exp(lc - m) > t/(1-t) times the sum over the others, whose greatest logit is m
/// At most 64 channels.
void threshold(std::uint8_t* mask, const float* logits, std::int64_t channels, std::int64_t pixels, float threshold,
               ClassSet cells = all_but_class_0);

}  // namespace giemsa::kernels::cpu
