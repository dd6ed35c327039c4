// Max pooling with taps and max unpooling (see max_unpool.h). Each reads its inputs once and writes its output once, a
// comparison per element, so memory limits both: 4 + 1 elements and a byte of taps per pooled element.
//
// A thread makes 16 bytes of channels of one output pixel, loads and stores included. Unpooling is a gather: a thread
// per pixel of the large map looks up the one window that covers it, so that no two threads write one place and zeros
// need no pass of their own. A byte of taps per channel is loaded by itself: rows of taps begin at any address.
#include "kernels/max_unpool.h"

#include <cmath>

#include "kernels/channels.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256;

/// The vectors that cover the channels; the last may reach into the padding of pixels, which is computed and not told.
template <class T>
__host__ __device__ constexpr int vectors_of(const MaxUnpoolParams& p) {
  return ceil_div(p.channels, channels_a_vector<T>);
}

// A block makes 256 consecutive vectors of the pooled map, a thread one.
// PRECOND: is_vectorised() in and out; the number of vectors + 256 fits an int; windows lie within the map.
template <class T>
__global__ void __launch_bounds__(threads_a_block)
    max_pool_indices_kernel(T* __restrict__ out, std::uint8_t* __restrict__ taps, const T* __restrict__ in,
                            MaxUnpoolParams p) {
  wait_for_previous_kernel();
  constexpr int n = channels_a_vector<T>;
  const int vectors = vectors_of<T>(p), item = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int channel = item % vectors * n, pixel = item / vectors, x = pixel % p.pooled.w;
  const int row = pixel / p.pooled.w, image = row / p.pooled.h, y = row - image * p.pooled.h;
  if (image >= p.images) return;

  ChannelSums<T> best;
  Vec<int, n> place;
#pragma unroll
  for (int i = 0; i < n; ++i) {
    best[i] = -INFINITY;
    place[i] = 0;
  }
  for (int ky = 0; ky < p.kernel.h; ++ky) {
    const std::int64_t in_row = (static_cast<std::int64_t>(image) * p.full.h + y * p.stride.h + ky) * p.full.w;
    for (int kx = 0; kx < p.kernel.w; ++kx) {
      const Channels<T> values = load_constant<n>(in + (in_row + x * p.stride.w + kx) * p.input_pixel_stride + channel);
#pragma unroll
      for (int i = 0; i < n; ++i) {
        const float value = to_float(values[i]);
        const bool wins = value > best[i] || value != value;
        place[i] = wins ? ky * p.kernel.w + kx : place[i];
        best[i] = wins ? value : best[i];
      }
    }
  }
  store(out + static_cast<std::int64_t>(pixel) * p.output_pixel_stride + channel, round_to<T>(best));
#pragma unroll
  for (int i = 0; i < n; ++i)
    if (channel + i < p.channels)
      taps[static_cast<std::int64_t>(pixel) * p.channels + channel + i] = static_cast<std::uint8_t>(place[i]);
}

// A block makes 256 consecutive vectors of the full map, a thread one.
// PRECOND: is_vectorised() in and out; the number of vectors + 256 fits an int; windows do not overlap.
template <class T>
__global__ void __launch_bounds__(threads_a_block)
    max_unpool_kernel(T* __restrict__ out, const T* __restrict__ in, const std::uint8_t* __restrict__ taps,
                      MaxUnpoolParams p) {
  wait_for_previous_kernel();
  constexpr int n = channels_a_vector<T>;
  const int vectors = vectors_of<T>(p), item = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int channel = item % vectors * n, pixel = item / vectors, x = pixel % p.full.w;
  const int row = pixel / p.full.w, image = row / p.full.h, y = row - image * p.full.h;
  if (image >= p.images) return;

  const int window_y = y / p.stride.h, window_x = x / p.stride.w;
  const int ky = y - window_y * p.stride.h, kx = x - window_x * p.stride.w;
  Channels<T> result{};
  if (window_y < p.pooled.h && window_x < p.pooled.w && ky < p.kernel.h && kx < p.kernel.w) {
    const std::int64_t source = (static_cast<std::int64_t>(image) * p.pooled.h + window_y) * p.pooled.w + window_x;
    const Channels<T> values = load_constant<n>(in + source * p.input_pixel_stride + channel);
#pragma unroll
    for (int i = 0; i < n; ++i)
      if (channel + i < p.channels && taps[source * p.channels + channel + i] == ky * p.kernel.w + kx)
        result[i] = values[i];
  }
  store(out + static_cast<std::int64_t>(pixel) * p.output_pixel_stride + channel, result);
}

/// Throws std::invalid_argument where the parameters describe no pooling.
void check_params(const MaxUnpoolParams& p) {
  PRECONDITION(p.images > 0 && p.channels > 0 && p.pooled.h > 0 && p.pooled.w > 0);
  PRECONDITION(p.kernel.h > 0 && p.kernel.w > 0 && p.kernel.h * p.kernel.w <= 256);
  PRECONDITION(p.stride.h > 0 && p.stride.w > 0);
  PRECONDITION((p.pooled.h - 1) * p.stride.h + p.kernel.h <= p.full.h);
  PRECONDITION((p.pooled.w - 1) * p.stride.w + p.kernel.w <= p.full.w);
}

template <class T>
Launch launch_of(const MaxUnpoolParams& p, Extent map, Stream stream) {
  const std::int64_t items = std::int64_t{p.images} * map.h * map.w * vectors_of<T>(p);
  return {.grid = {blocks_for(items, threads_a_block)},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream};
}

}  // namespace

template <class T>
void max_pool_indices(T* out, std::uint8_t* taps, const T* in, const MaxUnpoolParams& p, Stream stream) {
  check_params(p);
  const int channels = vectors_of<T>(p) * channels_a_vector<T>;
  PRECONDITION(is_vectorised(in, channels, p.input_pixel_stride));
  PRECONDITION(is_vectorised(out, channels, p.output_pixel_stride));
  launch(max_pool_indices_kernel<T>, launch_of<T>(p, p.pooled, stream), out, taps, in, p);
}

template <class T>
void max_unpool(T* out, const T* in, const std::uint8_t* taps, const MaxUnpoolParams& p, Stream stream) {
  check_params(p);
  const int channels = vectors_of<T>(p) * channels_a_vector<T>;
  PRECONDITION(p.stride.h >= p.kernel.h && p.stride.w >= p.kernel.w);
  PRECONDITION(is_vectorised(in, channels, p.input_pixel_stride));
  PRECONDITION(is_vectorised(out, channels, p.output_pixel_stride));
  launch(max_unpool_kernel<T>, launch_of<T>(p, p.full, stream), out, in, taps, p);
}

template void max_pool_indices(float*, std::uint8_t*, const float*, const MaxUnpoolParams&, Stream);
template void max_pool_indices(Half*, std::uint8_t*, const Half*, const MaxUnpoolParams&, Stream);
template void max_unpool(float*, const float*, const std::uint8_t*, const MaxUnpoolParams&, Stream);
template void max_unpool(Half*, const Half*, const std::uint8_t*, const MaxUnpoolParams&, Stream);

Cost cost(const MaxUnpoolParams& p, int element_bytes) {
  const double full = double(p.full.h) * p.full.w, pooled = double(p.pooled.h) * p.pooled.w;
  const double channels = double(p.images) * p.channels;
  return {.bytes = ((full + pooled) * element_bytes + pooled) * channels,
          .flops = pooled * p.kernel.h * p.kernel.w * channels};
}

}  // namespace giemsa::kernels
