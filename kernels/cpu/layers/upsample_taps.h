// Where a bilinear interpolation reads along an axis.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/scratch.h"

namespace giemsa::kernels::cpu {

/// The two samples around a source coordinate, and their weights.
struct Tap {
  std::int32_t i0, i1;
  float w0, w1;
};

/// Where output index `d` of an axis reads. PyTorch: area_pixel_compute_source_index and guard_index_and_lambda. With
/// `zero_edge` samples outside the input weigh nothing; otherwise the nearest takes their place.
inline Tap tap_of(std::int64_t d, std::int64_t in, std::int64_t out, bool align_corners, bool zero_edge) {
  const auto fin = static_cast<float>(in), fout = static_cast<float>(out), fd = static_cast<float>(d);
  const float scale = !align_corners ? fin / fout : out > 1 ? (fin - 1.0f) / (fout - 1.0f) : 0.0f;
  float source = align_corners ? scale * fd : scale * (fd + 0.5f) - 0.5f;
  const auto last = static_cast<std::int32_t>(in - 1);
  if (!zero_edge) {
    source = std::max(source, 0.0f);
    const auto i0 = std::min(static_cast<std::int32_t>(source), last);
    const float w1 = std::min(source - static_cast<float>(i0), 1.0f);
    return {i0, std::min(i0 + 1, last), 1.0f - w1, w1};
  }
  const float floor = std::floor(source), w1 = source - floor;
  const auto i0 = static_cast<std::int32_t>(floor), i1 = i0 + 1;
  return {std::clamp(i0, 0, last), std::clamp(i1, 0, last), i0 >= 0 && i0 <= last ? 1.0f - w1 : 0.0f,
          i1 >= 0 && i1 <= last ? w1 : 0.0f};
}

/// The taps of a row as arrays, for vector gathers.
struct RowTaps {
  std::int32_t *i0, *i1;
  float *w0, *w1;
};

inline std::size_t row_taps_bytes(std::int64_t width) {
  return 2 * scratch_bytes_of<std::int32_t>(width) + 2 * scratch_bytes_of<float>(width);
}

inline RowTaps make_row_taps(std::int64_t in, std::int64_t out, bool align_corners, bool zero_edge, Scratch& memory) {
  const RowTaps taps{memory.take<std::int32_t>(out), memory.take<std::int32_t>(out), memory.take<float>(out),
                     memory.take<float>(out)};
  for (std::int64_t x = 0; x < out; ++x) {
    const Tap tap = tap_of(x, in, out, align_corners, zero_edge);
    taps.i0[x] = tap.i0;
    taps.i1[x] = tap.i1;
    taps.w0[x] = tap.w0;
    taps.w1[x] = tap.w1;
  }
  return taps;
}

}  // namespace giemsa::kernels::cpu
