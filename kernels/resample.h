// What the kernels that resample RGB pictures share: sums of taps, and the way of a pixel into a network's input.
#pragma once

#include "kernels/channels.h"
#include "kernels/device.h"
#include "kernels/preprocess.h"

namespace giemsa::kernels {

struct Rgb {
  std::uint8_t channel[3];
};

/// Weighted samples, in units of 2^-22; from one half, which makes the shift round to nearest.
struct RgbSums {
  static constexpr int fraction_bits = 22, half = 1 << (fraction_bits - 1);
  int red = half, green = half, blue = half;

  /// `taps` samples, `step` bytes apart. `unroll` is how many are in flight at a time.
  template <int unroll>
  __device__ __forceinline__ void add(const std::int32_t* weight, int taps, const std::uint8_t* samples, int step) {
#pragma unroll unroll
    for (int t = 0; t < taps; ++t, samples += step) {
      const int w = weight[t];
      red += w * samples[0];
      green += w * samples[1];
      blue += w * samples[2];
    }
  }
  __device__ __forceinline__ Rgb rounded() const {
    const auto to_u8 = [](int sum) { return static_cast<std::uint8_t>(max(0, min(sum >> fraction_bits, 255))); };
    return {{to_u8(red), to_u8(green), to_u8(blue)}};
  }
};

/// Output `i` of an axis: sample axis.first[i] is at `samples`, the next ones `step` bytes apart.
template <int unroll>
__device__ __forceinline__ Rgb resample(const ResampleAxis& axis, int i, const std::uint8_t* samples, int step) {
  RgbSums sums;
  sums.add<unroll>(axis.weight + static_cast<std::int64_t>(i) * axis.stride, axis.count[i], samples, step);
  return sums.rounded();
}

struct SampleRange {
  int begin, end;
};

/// The samples that outputs [begin, end) of an axis reach; all lanes of the warp call it together. All outputs are
/// asked, since neither first[] nor first[] + count[] always increases: an output of a cubic that lies on a sample
/// needs that one alone, its neighbours more on both sides.
__device__ __forceinline__ SampleRange samples_of(const ResampleAxis& axis, int begin, int end) {
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  SampleRange range{axis.in, 0};
  for (int i = begin + lane; i < end; i += warp_size)
    range = {min(range.begin, axis.first[i]), max(range.end, axis.first[i] + axis.count[i])};
  for (int bits = warp_size / 2; bits > 0; bits /= 2)
    range = {min(range.begin, shuffle_xor(range.begin, bits)), max(range.end, shuffle_xor(range.end, bits))};
  return range;
}

/// How pixels are written.
struct Normalise {
  float mean[3], std[3];
  int output_pixel_stride;
  bool bgr;         ///< the channels written are blue, green, red
  bool vectorised;  ///< a pixel is one aligned vector of 16 bytes
};

/// From PreprocessParams or CropResizeParams. Host code.
template <class T, class Params>
Normalise normalise_into(const T* out, const Params& p) {
  return {{p.mean[0], p.mean[1], p.mean[2]},
          {p.std[0], p.std[1], p.std[2]},
          p.output_pixel_stride,
          p.bgr,
          p.output_pixel_stride == channels_a_vector<T> &&
              is_vectorised(out, p.output_pixel_stride, p.output_pixel_stride)};
}

/// A pixel's first channels, zeros after them.
template <class T>
__device__ __forceinline__ Channels<T> normalised(const Rgb& rgb, const Normalise& normalise) {
  Channels<T> values{};
#pragma unroll
  for (int c = 0; c < 3; ++c) {
    const std::uint8_t level = normalise.bgr ? rgb.channel[2 - c] : rgb.channel[c];
    values[c] = from_float<T>((static_cast<float>(level) / 255.0f - normalise.mean[c]) / normalise.std[c]);
  }
  return values;
}

template <class T>
__device__ __forceinline__ void store_pixel(T* pixel, const Channels<T>& values, const Normalise& normalise) {
  if (normalise.vectorised) {
    store(pixel, values);
    return;
  }
#pragma unroll
  for (int c = 0; c < 3; ++c) pixel[c] = values[c];
  for (int c = 3; c < normalise.output_pixel_stride; ++c) pixel[c] = from_float<T>(0.0f);
}

}  // namespace giemsa::kernels
