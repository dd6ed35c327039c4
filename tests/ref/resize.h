// Resampling of RGB pictures by the definition: every output pixel sums its own weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/ops/types.h"

namespace giemsa::ref {

struct Picture {
  Size2 size;
  std::vector<std::uint8_t> rgb;
  Picture(Size2 s) : size(s), rgb(static_cast<std::size_t>(s.h * s.w * 3)) {}
  std::uint8_t& at(std::int64_t y, std::int64_t x, std::int64_t c) {
    return rgb[static_cast<std::size_t>((y * size.w + x) * 3 + c)];
  }
  std::uint8_t at(std::int64_t y, std::int64_t x, std::int64_t c) const {
    return rgb[static_cast<std::size_t>((y * size.w + x) * 3 + c)];
  }
};

/// Weights of all `in` samples for one output.
using Weights1d = std::vector<double>;

/// Pillow: triangle over the samples whose centres lie within max(1, in/out), normalised.
inline Weights1d bilinear_weights(std::int64_t i, std::int64_t in, std::int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), support = std::max(1.0, scale);
  const double center = (static_cast<double>(i) + 0.5) * scale;
  Weights1d weights(static_cast<std::size_t>(in));
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double distance = std::abs((static_cast<double>(k) - center + 0.5) * (1.0 / support));
    weights[k] = distance < 1 ? 1 - distance : 0;
    sum += weights[k];
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// MATLAB: cubic a = -0.5, widened when shrinking, mirrored at the edges, normalised.
inline Weights1d bicubic_weights(std::int64_t i, std::int64_t in, std::int64_t out) {
  const double scale = static_cast<double>(out) / static_cast<double>(in), shrink = std::min(1.0, scale);
  const double u = static_cast<double>(i + 1) / scale + 0.5 * (1 - 1 / scale);  // 1-based
  Weights1d weights(static_cast<std::size_t>(in));
  double sum = 0;
  const auto reach = static_cast<std::int64_t>(std::ceil(2 / shrink)) + 1,
             middle = static_cast<std::int64_t>(std::floor(u));
  for (std::int64_t k = middle - reach; k <= middle + reach; ++k) {
    const double x = std::abs((u - static_cast<double>(k)) * shrink);
    const double value = x <= 1   ? 1.5 * x * x * x - 2.5 * x * x + 1
                         : x <= 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2
                                  : 0;
    std::int64_t sample = k - 1;
    while (sample < 0 || sample >= in) sample = sample < 0 ? -1 - sample : 2 * in - 1 - sample;
    weights[static_cast<std::size_t>(sample)] += value;
    sum += value;
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// Weights rounded to 22 fraction bits and applied in integers, as Pillow does.
inline std::uint8_t apply_fixed(const Weights1d& weights, const std::vector<std::uint8_t>& samples) {
  std::int64_t sum = 1 << 21;
  for (std::size_t k = 0; k < weights.size(); ++k)
    sum += static_cast<std::int64_t>(weights[k] * (1 << 22) + (weights[k] < 0 ? -0.5 : 0.5)) * samples[k];
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(sum >> 22, 0, 255));
}

/// Exact weights, rounded half away from zero, as MATLAB does.
inline std::uint8_t apply_exact(const Weights1d& weights, const std::vector<std::uint8_t>& samples) {
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) sum += weights[k] * samples[k];
  return static_cast<std::uint8_t>(std::clamp(std::floor(sum + 0.5), 0.0, 255.0));
}

inline Picture resize_axis(const Picture& in, std::int64_t out, bool along_x, ResizeFilter filter) {
  Picture result(along_x ? Size2{in.size.h, out} : Size2{out, in.size.w});
  const std::int64_t length = along_x ? in.size.w : in.size.h;
  std::vector<std::uint8_t> samples(static_cast<std::size_t>(length));
  for (std::int64_t y = 0; y < result.size.h; ++y)
    for (std::int64_t x = 0; x < result.size.w; ++x) {
      const bool bilinear = filter == ResizeFilter::bilinear;
      const Weights1d weights = (bilinear ? bilinear_weights : bicubic_weights)(along_x ? x : y, length, out);
      for (std::int64_t c = 0; c < 3; ++c) {
        for (std::int64_t k = 0; k < length; ++k)
          samples[static_cast<std::size_t>(k)] = along_x ? in.at(y, k, c) : in.at(k, x, c);
        result.at(y, x, c) = (bilinear ? apply_fixed : apply_exact)(weights, samples);
      }
    }
  return result;
}

/// Bilinear: exactly Pillow's bytes. Bicubic: MATLAB's, in double.
inline Picture resize(const Picture& in, Size2 out, ResizeFilter filter) {
  const double scale_h = static_cast<double>(out.h) / static_cast<double>(in.size.h);
  const double scale_w = static_cast<double>(out.w) / static_cast<double>(in.size.w);
  if (filter == ResizeFilter::bicubic && scale_h <= scale_w)
    return resize_axis(resize_axis(in, out.h, false, filter), out.w, true, filter);
  return resize_axis(resize_axis(in, out.w, true, filter), out.h, false, filter);
}

}  // namespace giemsa::ref
