// Max pooling that remembers the place of each maximum, and its inverse, over NHWC. Bandwidth-bound.
//
//   max_pool_indices  out[n][y][x][c] = max over the window's taps; taps[n][y][x][c] = which one it was
//   max_unpool        out[n][y][x][c] = in[n][y / s][x / s][c] where that window's tap is (y, x), else 0
#pragma once

#include "kernels/cpu/nhwc.h"

namespace giemsa::kernels::cpu {

/// Windows without padding, each inside the map.
struct MaxUnpoolParams {
  Extent kernel{2, 2}, stride{2, 2};  ///< at most 256 places; for max_unpool() no smaller than the kernel
};

/// `taps` u8 {n, dst.h, dst.w, c}, ky * kernel.w + kx: of equal elements the first, of NaNs the last. dst and src have
/// one element type and scale.
void max_pool_indices(const Nhwc& dst, std::uint8_t* taps, const Nhwc& src, const MaxUnpoolParams& params);

/// `taps` u8 {n, src.h, src.w, c}, as max_pool_indices() wrote them; dst and src likewise.
void max_unpool(const Nhwc& dst, const Nhwc& src, const std::uint8_t* taps, const MaxUnpoolParams& params);

}  // namespace giemsa::kernels::cpu
