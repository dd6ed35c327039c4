// What the steps from v3 on share: rows of both operands of the implicit GEMM, eight k at a time.
#pragma once

#include "kernels/conv2d_parts.h"

namespace giemsa::kernels::ladder {

/// Whether eight channels of a pixel are one load of 16 bytes.
inline bool by_vectors(const Conv2dInputs<Half>& inputs, const Conv2dParams& p) {
  return p.group_in() % 8 == 0 && p.input_pixel_stride % 8 == 0 &&
         reinterpret_cast<std::uintptr_t>(inputs.input) % 16 == 0;
}

/// The operands of the tile at (first_pixel, first_channel) of a group.
struct Operands {
  const Half *input, *weight;  // the group's, the weight from the tile's first channel on
  int first_pixel, channels_left;

  __device__ Operands(const Half* all_input, const Half* all_weight, const Conv2dParams& p, int tile_m, int tile_n)
      : first_pixel(static_cast<int>(blockIdx.x) * tile_m) {
    const int group = static_cast<int>(blockIdx.z), first_channel = static_cast<int>(blockIdx.y) * tile_n;
    input = all_input + group * p.group_in();
    weight = all_weight + (group * p.group_out() + first_channel) * p.packed_depth();
    channels_left = p.group_out() - first_channel;
  }

  /// Eight elements of a window from `tap` on.
  template <bool vectors>
  __device__ Vec<Half, 8> window_part(const Conv2dParams& p, const Window& window, const Tap& tap) const {
    Vec<Half, 8> values{};
    if constexpr (vectors) {
      const int element = element_of(p, window, tap);
      if (element >= 0) values = load_constant<8>(input + element);
    } else {
      Tap at = tap;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const int element = element_of(p, window, at);
        if (element >= 0) values[i] = load_constant<1>(input + element)[0];
        advance(at, 1, p.group_in(), p.kernel.w);
      }
    }
    return values;
  }

  /// Where eight elements of the weight of the tile's channel begin; null beyond the last.
  __device__ const Half* weight_at(const Conv2dParams& p, int channel, int k) const {
    return channel < channels_left && k < p.packed_depth() ? weight + channel * p.packed_depth() + k : nullptr;
  }
  __device__ Vec<Half, 8> weight_part(const Conv2dParams& p, int channel, int k) const {
    const Half* const from = weight_at(p, channel, k);
    return from ? load_constant<8>(from) : Vec<Half, 8>{};
  }
};

/// Blocks of m pixels x n channels; groups are the grid's z.
inline Launch over_tiles(const Conv2dParams& p, int m, int n, int threads, Stream stream) {
  const Launch how{
      .grid = {ceil_div(p.pixels(), m), ceil_div(p.group_out(), n), p.groups}, .block = {threads}, .stream = stream};
  PRECONDITION(how.grid.y < 1 << 16 && how.grid.z < 1 << 16);
  return how;
}

}  // namespace giemsa::kernels::ladder
