// Bilinear interpolation and the decision on logits by definition, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

#include "engine/ops/threshold.h"
#include "engine/ops/upsample.h"

namespace giemsa::ref {

/// A plane's value at integer coordinates.
using Plane = std::function<double(std::int64_t y, std::int64_t x)>;

inline double source_coordinate(std::int64_t d, std::int64_t in, std::int64_t out, bool align_corners) {
  if (align_corners)
    return out > 1 ? static_cast<double>(d) * static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
  return (static_cast<double>(d) + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5;
}

/// Output pixel (y, x) of `plane` of size `in` interpolated to `op.output`.
inline double upsample_at(const Upsample& op, const Plane& plane, Size2 in, std::int64_t y, std::int64_t x) {
  const double sy = source_coordinate(y, in.h, op.output.h, op.align_corners);
  const double sx = source_coordinate(x, in.w, op.output.w, op.align_corners);
  const auto top = static_cast<std::int64_t>(std::floor(sy)), left = static_cast<std::int64_t>(std::floor(sx));
  double sum = 0;
  for (std::int64_t j = top; j <= top + 1; ++j)
    for (std::int64_t i = left; i <= left + 1; ++i) {
      const double weight = (1 - std::abs(sy - static_cast<double>(j))) * (1 - std::abs(sx - static_cast<double>(i)));
      const bool inside = j >= 0 && j < in.h && i >= 0 && i < in.w;
      if (!inside && op.edge == EdgeMode::zero) continue;
      sum += weight * plane(std::clamp<std::int64_t>(j, 0, in.h - 1), std::clamp<std::int64_t>(i, 0, in.w - 1));
    }
  return sum;
}

/// By how much the logit of being one of `cells` exceeds that of the threshold; the pixel is set where this is
/// positive.
inline double margin(const std::function<double(std::int64_t c)>& logit, std::int64_t channels, double threshold,
                     ClassSet cells) {
  const double limit = std::log(threshold / (1 - threshold));
  if (channels == 1) return logit(0) - limit;
  double inside = 0, outside = 0;
  for (std::int64_t c = 0; c < channels; ++c) (cells >> c & 1 ? inside : outside) += std::exp(logit(c));
  return std::log(inside / outside) - limit;
}

}  // namespace giemsa::ref
