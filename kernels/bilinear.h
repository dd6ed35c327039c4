// Where a bilinear interpolation reads along one axis, as PyTorch's interpolate computes it
// (kernels/cpu/layers/upsample_taps.h gives the same).
#pragma once

#include "kernels/device.h"

namespace giemsa::kernels {

/// How an output index maps to its input: source = scale * (d + offset) - offset.
struct BilinearAxis {
  int in;
  float scale, offset;
};

/// The two samples around a source coordinate and their weights.
struct BilinearTap {
  int i0, i1;
  float w0, w1;
};

inline BilinearAxis bilinear_axis(int in, int out, bool align_corners) {
  const auto fin = static_cast<float>(in), fout = static_cast<float>(out);
  if (align_corners) return {in, out > 1 ? (fin - 1.0f) / (fout - 1.0f) : 0.0f, 0.0f};
  return {in, fin / fout, 0.5f};
}

/// What lies outside is the nearest sample. From a single one the second weight is 0, so that a broadcast is exact.
__device__ __forceinline__ BilinearTap clamped_tap(const BilinearAxis& axis, int d) {
  const int last = axis.in - 1;
  const float source = axis.scale * (static_cast<float>(d) + axis.offset) - axis.offset;
  const float inside = fmaxf(fminf(source, static_cast<float>(last)), 0.0f);
  const int i0 = static_cast<int>(inside);
  const float w1 = inside - static_cast<float>(i0);
  return {i0, min(i0 + 1, last), 1.0f - w1, w1};
}

/// What lies outside is 0.
__device__ __forceinline__ BilinearTap zero_padded_tap(const BilinearAxis& axis, int d) {
  const int last = axis.in - 1;
  const float source = axis.scale * (static_cast<float>(d) + axis.offset) - axis.offset;
  const int i0 = static_cast<int>(floorf(source)), i1 = i0 + 1;
  const float w1 = source - static_cast<float>(i0);
  return {max(0, min(i0, last)), max(0, min(i1, last)), i0 >= 0 && i0 <= last ? 1.0f - w1 : 0.0f,
          i1 >= 0 && i1 <= last ? w1 : 0.0f};
}

}  // namespace giemsa::kernels
