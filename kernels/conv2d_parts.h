// What the kernels of conv2d.h share: where a window's elements lie, what follows the sum, and what callers must keep.
#pragma once

#include <type_traits>

#include "kernels/conv2d.h"
#include "kernels/device.h"

namespace giemsa::kernels {

/// The input under an output pixel: index of its image's first pixel, top left corner (which may lie outside).
struct Window {
  int image, y, x;
};

__device__ inline Window window_of(const Conv2dParams& p, int pixel) {
  if (pixel >= p.pixels()) return {0, -(1 << 30), 0};  // above the input at every tap
  const int out_w = p.out_w(), row = pixel / out_w, image = row / p.out_h();
  return {image * p.in_h * p.in_w, (row - image * p.out_h()) * p.stride.h - p.padding.h,
          (pixel - row * out_w) * p.stride.w - p.padding.w};
}

/// A k, taken apart. Kept and advanced so that the main loop divides nothing.
struct Tap {
  int ky, kx, c;
};

__device__ inline Tap tap_at(const Conv2dParams& p, int k) {
  const int channels = p.group_in(), tap = k / channels, ky = tap / p.kernel.w;
  return {ky, tap - ky * p.kernel.w, k - tap * channels};
}

__device__ inline void advance(Tap& tap, int by, int channels, int kernel_w) {
  tap.c += by;
  while (tap.c >= channels) {
    tap.c -= channels;
    if (++tap.kx == kernel_w) {
      tap.kx = 0;
      ++tap.ky;
    }
  }
}

/// Index of the input's element, channels counted from the group's first; negative where it is a zero: outside, or
/// beyond the last k.
__device__ inline int element_of(const Conv2dParams& p, const Window& window, const Tap& tap) {
  const int y = window.y + tap.ky * p.dilation.h, x = window.x + tap.kx * p.dilation.w;
  if (tap.ky >= p.kernel.h || y < 0 || y >= p.in_h || x < 0 || x >= p.in_w) return -1;
  return (window.image + y * p.in_w + x) * p.input_pixel_stride + tap.c;
}

/// What becomes of a finished sum.
template <class Out, class In>
struct Conv2dEpilogue {
  Out* output;
  const float* bias;
  const In* residual;
  int output_stride, residual_stride;
  bool relu;
  float ceiling = unbounded;

  /// Finishes and stores `n` neighbouring channels of a pixel. PRECOND: accepts(n) on the host.
  template <int n>
  __device__ void write(const Vec<float, n>& sums, int pixel, int channel) const {
    Vec<In, n> added{};
    if (residual) added = load<n>(residual + pixel * residual_stride + channel);  // may be the output: not constant
    Vec<Out, n> result{};
#pragma unroll
    for (int i = 0; i < n; ++i) {
      float value = sums[i];
      if (bias) value += load_constant<1>(bias + channel + i)[0];
      value += to_float(added[i]);
      if (relu) value = value < 0.0f ? 0.0f : value > ceiling ? ceiling : value;  // NaN stays
      if constexpr (std::is_same_v<Out, float>)
        result[i] = value;
      else
        result[i] = to_half(value);
    }
    store(output + pixel * output_stride + channel, result);
  }

  /// The same for `pair`'s channels, of which `left` are still the tensor's: together or one by one. PRECOND:
  /// `together` only where accepts(2) on the host.
  __device__ void write_pair(const Vec<float, 2>& pair, int pixel, int channel, int left, bool together) const {
    if (left <= 0) return;
    if (together) return write<2>(pair, pixel, channel);
    write<1>({{pair[0]}}, pixel, channel);
    if (left > 1) write<1>({{pair[1]}}, pixel, channel + 1);
  }

  /// Whether pixels may be stored by `n` channels, of stretches of `channels`.
  bool accepts(int n, int channels) const {
    const auto fit = [n]<class T>(const T* p, int stride) {
      return stride % n == 0 && reinterpret_cast<std::uintptr_t>(p) % (static_cast<std::size_t>(n) * sizeof(T)) == 0;
    };
    return channels % n == 0 && fit(output, output_stride) && (!residual || fit(residual, residual_stride));
  }
};

template <class Out, class In>
Conv2dEpilogue<Out, In> epilogue_of(Out* output, const Conv2dInputs<In>& inputs, const Conv2dParams& p) {
  return {output, inputs.bias, inputs.residual, p.output_pixel_stride, p.residual_pixel_stride, p.relu, p.ceiling};
}

/// Throws std::invalid_argument unless the parameters make a convolution whose elements an int can count.
template <class In>
void check_preconditions(const Conv2dInputs<In>& inputs, const Conv2dParams& p) {
  constexpr std::int64_t most = (std::int64_t{1} << 31) - 1 - (1 << 16);  // a tile's overhang fits as well
  constexpr int farthest = 1 << 20;
  const auto countable = [](std::int64_t pixels, std::int64_t stride) { return pixels <= most / stride; };
  PRECONDITION(p.images > 0 && p.in_h > 0 && p.in_w > 0 && p.in_channels > 0 && p.out_channels > 0);
  PRECONDITION(p.kernel.h > 0 && p.kernel.w > 0 && p.stride.h > 0 && p.stride.w > 0);
  PRECONDITION(p.padding.h >= 0 && p.padding.w >= 0 && p.dilation.h > 0 && p.dilation.w > 0);
  PRECONDITION(p.in_h < farthest && p.in_w < farthest && p.padding.h < farthest && p.padding.w < farthest);
  PRECONDITION(p.kernel.h <= farthest && p.dilation.h <= farthest && p.kernel.w <= farthest &&
               p.dilation.w <= farthest);
  PRECONDITION(std::int64_t{p.dilation.h} * (p.kernel.h - 1) < p.in_h + 2 * p.padding.h);
  PRECONDITION(std::int64_t{p.dilation.w} * (p.kernel.w - 1) < p.in_w + 2 * p.padding.w);
  PRECONDITION(p.groups > 0 && p.in_channels % p.groups == 0 && p.out_channels % p.groups == 0);
  PRECONDITION(p.input_pixel_stride >= p.in_channels && p.output_pixel_stride >= p.out_channels);
  PRECONDITION((inputs.residual != nullptr) == (p.residual_pixel_stride > 0));
  PRECONDITION(p.residual_pixel_stride == 0 || p.residual_pixel_stride >= p.out_channels);
  PRECONDITION(countable(std::int64_t{p.in_h} * p.in_w, p.images) &&
               countable(std::int64_t{p.out_h()} * p.out_w(), p.images));
  PRECONDITION(countable(std::int64_t{p.images} * p.in_h * p.in_w, p.input_pixel_stride));
  PRECONDITION(countable(p.pixels(), max(p.output_pixel_stride, p.residual_pixel_stride)));
  PRECONDITION(countable(std::int64_t{p.kernel.h} * p.kernel.w, p.in_channels) &&
               countable(std::int64_t{p.packed_depth()}, p.out_channels));
  PRECONDITION(reinterpret_cast<std::uintptr_t>(inputs.weight) % 16 == 0);
}

}  // namespace giemsa::kernels
