// Neighbouring channels of an NHWC pixel, 16 bytes at a time: how the threads of the bandwidth-bound kernels load and
// store them, fp32 between.
#pragma once

#include <cstdint>

#include "kernels/device.h"

namespace giemsa::kernels {

/// Channels in 16 bytes: 8 of fp16, 4 of fp32, 16 of int8.
template <class T>
inline constexpr int channels_a_vector = 16 / static_cast<int>(sizeof(T));

template <class T>
using Channels = Vec<T, channels_a_vector<T>>;
/// The same channels to compute with.
template <class T>
using ChannelSums = Vec<float, channels_a_vector<T>>;

__device__ __forceinline__ float to_float(std::int8_t value) {
  return static_cast<float>(value);
}

template <class T>
__device__ __forceinline__ T from_float(float value);
template <>
__device__ __forceinline__ float from_float<float>(float value) {
  return value;
}
template <>
__device__ __forceinline__ Half from_float<Half>(float value) {
  return to_half(value);
}

template <class T, int n>
__device__ __forceinline__ Vec<T, n> round_to(const Vec<float, n>& values) {
  Vec<T, n> result;
#pragma unroll
  for (int i = 0; i < n; ++i) result[i] = from_float<T>(values[i]);
  return result;
}

/// sums += a * b
template <class T, int n>
__device__ __forceinline__ void multiply_add(Vec<float, n>& sums, const Vec<T, n>& a, const Vec<T, n>& b) {
#pragma unroll
  for (int i = 0; i < n; ++i) sums[i] += to_float(a[i]) * to_float(b[i]);
}

/// The channels' biases, or zeros where there are none.
template <int n>
__device__ __forceinline__ Vec<float, n> load_bias(const float* bias, int channel) {
  Vec<float, n> result{};
  if (bias == nullptr) return result;
#pragma unroll
  for (int i = 0; i < n; i += 4) {
    const Vec<float, 4> part = load_constant<4>(bias + channel + i);
#pragma unroll
    for (int j = 0; j < 4; ++j) result[i + j] = part[j];
  }
  return result;
}

/// max(value, 0), but a NaN stays one.
__device__ __forceinline__ float relu(float value) {
  return value < 0.0f ? 0.0f : value;
}
template <int n>
__device__ __forceinline__ void relu(Vec<float, n>& values) {
#pragma unroll
  for (int i = 0; i < n; ++i) values[i] = relu(values[i]);
}

/// Whether `channels` neighbours, `pixel_stride` elements from one pixel to the next, are made of 16-byte vectors.
template <class T>
bool is_vectorised(const T* data, int channels, int pixel_stride) {
  constexpr int n = channels_a_vector<T>;
  return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && channels % n == 0 && pixel_stride % n == 0 &&
         pixel_stride >= channels;
}

/// Blocks of `threads` for `items`, a thread each. Throws std::invalid_argument where their number does not fit an int.
inline int blocks_for(std::int64_t items, int threads) {
  PRECONDITION(items > 0 && items <= (std::int64_t{1} << 31) - 1 - threads);
  return static_cast<int>(ceil_div(items, std::int64_t{threads}));
}

}  // namespace giemsa::kernels
