// The weights of resampling, made on the device. The arithmetic is that of kernels/cpu/imaging/resize.cpp, operation by
// operation, in double: another order of a sum, or a fused multiply-add, could move a weight by 2^-22 and so a pixel by
// a level. Whoever includes this is compiled with --fmad=false. It takes luck to see what that prevents: of 23,000
// pairs of sizes, fusing changed 280 tables, each only by samples of weight zero.
#pragma once

#include <cmath>

#include "kernels/resample.h"

namespace giemsa::kernels {

__device__ inline std::int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << RgbSums::fraction_bits);
  return static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

__device__ inline double triangle(double x) {
  x = fabs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

/// Keys' cubic convolution kernel with a = -0.5.
__device__ inline double cubic(double x) {
  x = fabs(x);
  if (x <= 1.0) return (1.5 * x - 2.5) * x * x + 1.0;
  if (x <= 2.0) return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0;
  return 0.0;
}

/// Writes output `i`'s weights; returns its samples.
__device__ inline SampleRange make_bilinear(std::int32_t* weight, int in, int out, int i) {
  const double scale = static_cast<double>(in) / out;
  const double support = fmax(1.0, scale), inverse = 1.0 / support;
  const double center = (i + 0.5) * scale;
  const int begin = max(0, static_cast<int>(center - support + 0.5));
  const int end = min(in, static_cast<int>(center + support + 0.5));
  double sum = 0.0;
  for (int s = begin; s < end; ++s) sum += triangle((s - center + 0.5) * inverse);
  for (int s = begin; s < end; ++s) weight[s - begin] = to_fixed(triangle((s - center + 0.5) * inverse) / sum);
  return {begin, end};
}

/// Likewise. Past the edge the samples are mirrored, the edge's own repeated: sample s is also -1 - s, and both once
/// more every 2 * in.
__device__ inline SampleRange make_bicubic(std::int32_t* weight, int in, int out, int i) {
  const double scale = static_cast<double>(out) / in, shrink = fmin(1.0, scale), width = 4.0 / shrink;
  const double center = (i + 1) / scale + 0.5 * (1.0 - 1.0 / scale) - 1.0;
  const int left = static_cast<int>(floor(center - width / 2)), right = left + static_cast<int>(ceil(width)) + 2;
  const auto kernel = [&](int s) { return cubic((center - static_cast<double>(s)) * shrink); };
  const int period = 2 * in;
  int first_period = left / period * period;
  if (first_period > left) first_period -= period;

  double sum = 0.0;
  SampleRange range{in, 0};
  for (int s = left, phase = left - first_period; s < right; ++s, phase = phase + 1 == period ? 0 : phase + 1) {
    const double value = kernel(s);
    if (value == 0.0) continue;
    sum += value;
    const int mirrored = phase < in ? phase : period - 1 - phase;
    range = {min(range.begin, mirrored), max(range.end, mirrored + 1)};
  }
  for (int s = range.begin; s < range.end; ++s) {
    std::int32_t total = 0;
    const auto add = [&](int image) {
      if (image >= left && image < right) total += to_fixed(kernel(image) / sum);
    };
    for (int begin = first_period; begin < right; begin += period) {
      add(begin + s);
      add(begin + period - 1 - s);
    }
    weight[s - range.begin] = total;
  }
  return range;
}

}  // namespace giemsa::kernels
