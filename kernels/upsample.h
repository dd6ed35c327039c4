// Bilinear upsampling of logits and the decision on them in one pass: the upsampled logits are never written.
//
//   l_c(y, x) = (a[y0][x0] wx0 + a[y0][x1] wx1) wy0 + (a[y1][x0] wx0 + a[y1][x1] wx1) wy1         of channel c
//   source coordinate of d:  align_corners ? d (in-1)/(out-1) : (d + 0.5) in/out - 0.5            (fp32, clamped)
//   mask = P(cells) > threshold
#pragma once

#include "kernels/types.h"

namespace giemsa::kernels {

struct UpsampleThresholdParams {
  int channels = 1;      ///< classes, at most 64; 1: the only logit is that of a cell
  int pixel_stride = 1;  ///< elements from a pixel to the next, at least channels
  int in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  bool align_corners = false;
  float threshold = 0.5f;                   ///< in (0, 1)
  std::uint64_t cells = ~std::uint64_t{1};  ///< bit c is set where class c is a cell
};

/// Logits {in_h, in_w, pixel_stride} (NHWC) -> mask u8 {out_h, out_w}, 1 where the probability of being a cell exceeds
/// the threshold: PyTorch's interpolate(mode="bilinear"), then sigmoid or softmax, then a comparison. NaN is 0. `mask`
/// is aligned to 4 bytes, `logits` to a pair of elements. Throws std::invalid_argument where a precondition fails.
void upsample_threshold(std::uint8_t* mask, const float* logits, const UpsampleThresholdParams& params, Stream stream);
void upsample_threshold(std::uint8_t* mask, const Half* logits, const UpsampleThresholdParams& params, Stream stream);

/// `element_bytes` of the logits. The logits are counted once: neighbouring pixels share them in cache.
Cost cost(const UpsampleThresholdParams& params, int element_bytes);

}  // namespace giemsa::kernels
