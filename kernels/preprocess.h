// Frame -> network input in one pass: resample along both axes, reorder the colours, then (u / 255 - mean) / std.
//
//   mid[v][i] = clip(round(sum_t first.weight[i][t] * frame[v][first.first[i] + t])),   out likewise along the second
//   axis
//
// Weights are integers in units of 2^-22 and each pass rounds to u8, as in Pillow's 8-bit path and
// kernels/cpu/imaging/resize.h, which makes the tables: the bytes, and in fp32 the results, equal the CPU's.
#pragma once

#include "kernels/nhwc.h"
#include "kernels/types.h"

namespace giemsa::kernels {

/// One axis: output i is the sum over t < count[i] of weight[i * stride + t] * input[first[i] + t]. Device memory.
struct ResampleAxis {
  int in = 0, out = 0;
  int stride = 0;  ///< the most taps of an output
  const std::int32_t *first = nullptr, *count = nullptr, *weight = nullptr;
};

struct PreprocessParams {
  ResampleAxis x = {}, y = {};
  bool vertical_first = false;  ///< Pillow resamples along x first, MATLAB along the axis that shrinks most
  float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};  ///< of the result's channels
  bool bgr = false;             ///< the result's channels are blue, green, red
  int output_pixel_stride = 3;  ///< elements from a pixel to the next; those after the three channels become 0
};

/// Frame u8 {y.in, x.in, 3} -> out {y.out, x.out, output_pixel_stride}; T is float or Half. Throws
/// std::invalid_argument where a precondition fails; one is that the axis resampled second has less than about 500
/// taps.
template <class T>
void preprocess(T* out, const std::uint8_t* frame, const PreprocessParams& params, Stream stream);

/// Frame and output are counted once, the tables not.
Cost cost(const PreprocessParams& params, int element_bytes);

}  // namespace giemsa::kernels
