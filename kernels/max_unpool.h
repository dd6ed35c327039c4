// Max pooling that remembers the place of each maximum, and its inverse.
//
//   max_pool_indices  out[n][y][x][c] = max over the window's taps; taps[n][y][x][c] = which one it was
//   max_unpool        out[n][y][x][c] = in[n][y / s][x / s][c] where that window's tap is (y, x), else 0
#pragma once

#include "kernels/nhwc.h"
#include "kernels/types.h"

namespace giemsa::kernels {

/// A pooling from `full` to `pooled` maps, or the unpooling back: windows without padding, each inside the map.
struct MaxUnpoolParams {
  int images = 1;
  int channels = 0;  ///< also from one tap's pixel to the next; kernels compute whole 16-byte vectors of them
  Extent full = {}, pooled = {};
  Extent kernel = {2, 2}, stride = {2, 2};  ///< at most 256 places; for max_unpool() no smaller than the kernel
  int input_pixel_stride = 0, output_pixel_stride = 0;
};

/// In {images, full, input_pixel_stride} -> out {images, pooled, output_pixel_stride} and taps u8 {images, pooled,
/// channels}, ky * kernel.w + kx: of equal elements the first, of NaNs the last. T is float or Half; pixel strides are
/// multiples of 16 bytes and hold the channels in whole vectors, pointers of T are aligned to it. Throws
/// std::invalid_argument where a precondition fails, as does max_unpool().
template <class T>
void max_pool_indices(T* out, std::uint8_t* taps, const T* in, const MaxUnpoolParams& params, Stream stream);

/// In {images, pooled, input_pixel_stride} and taps -> out {images, full, output_pixel_stride}.
template <class T>
void max_unpool(T* out, const T* in, const std::uint8_t* taps, const MaxUnpoolParams& params, Stream stream);

/// Both maps and the taps once. A comparison is one flop.
Cost cost(const MaxUnpoolParams& params, int element_bytes);

}  // namespace giemsa::kernels
