// Pooling over NHWC. Bandwidth-bound.
//
//   max_pool      out[n][y][x][c] = max over the window's taps that lie in the input       (NaN if one of them is)
//   average_pool  out[n][i][j][c] = mean of rows floor(i H/h) .. ceil((i+1) H/h), columns alike     (exclusive ends)
#pragma once

#include "kernels/cpu/nhwc.h"

namespace giemsa::kernels::cpu {

/// torch.nn.MaxPool2d. dst and src have one element type and scale; the window is not dilated.
void max_pool(const Nhwc& dst, const Nhwc& src, const SlidingWindow& window);

/// torch.nn.AdaptiveAvgPool2d. dst is floating. `sums` is scratch of average_pool_scratch_floats() floats.
void average_pool(const Nhwc& dst, const Nhwc& src, float* sums);

/// For `images` maps of `channels` channels.
std::int64_t average_pool_scratch_floats(std::int64_t images, std::int64_t channels, Extent in, Extent out);

}  // namespace giemsa::kernels::cpu
