// Pooling (see pool.h). Both read the input once and write the output; a flop an element and tap, so memory limits
// them, and for the small maps behind a backbone latency does.
//
// max_pool: a thread makes 16 bytes of channels of one output; taps that windows share come from L1.
//
// average_pool: a global mean over 2048 channels has only 256 vectors of them, too few threads to hide memory's
// latency. So a block of 64 lanes x 4 vectors (64 bytes per pixel, two memory sectors) shares out the pixels of one
// output: 14x14 are 3 or 4 loads per thread. Lanes are added within warps by shuffles, then 8 warps in shared memory:
// always the same tree, so the same bits.
#include "kernels/pool.h"

#include <cmath>

#include "kernels/channels.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256;

// A block makes 256 consecutive vectors of the output, a thread one.
// PRECOND: is_vectorised() in and out; the number of vectors + 256 fits an int.
template <class T>
__global__ void __launch_bounds__(threads_a_block)
    max_pool_kernel(T* __restrict__ out, const T* __restrict__ in, MaxPoolParams p) {
  wait_for_previous_kernel();
  constexpr int n = channels_a_vector<T>;
  const int vectors = p.channels / n, item = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int channel = item % vectors * n, pixel = item / vectors, x = pixel % p.out.w;
  const int row = pixel / p.out.w, image = row / p.out.h, y = row - image * p.out.h;
  if (image >= p.images) return;

  ChannelSums<T> best;
#pragma unroll
  for (int i = 0; i < n; ++i) best[i] = -INFINITY;
  for (int ky = 0; ky < p.window.kernel.h; ++ky) {
    const int in_y = y * p.window.stride.h - p.window.padding.h + ky * p.window.dilation.h;
    if (in_y < 0 || in_y >= p.in.h) continue;
    const T* in_row = in + (static_cast<std::int64_t>(image) * p.in.h + in_y) * p.in.w * p.input_pixel_stride + channel;
    for (int kx = 0; kx < p.window.kernel.w; ++kx) {
      const int in_x = x * p.window.stride.w - p.window.padding.w + kx * p.window.dilation.w;
      if (in_x < 0 || in_x >= p.in.w) continue;
      const Channels<T> values = load_constant<n>(in_row + static_cast<std::int64_t>(in_x) * p.input_pixel_stride);
#pragma unroll
      for (int i = 0; i < n; ++i) {
        const float value = to_float(values[i]);
        if (!(value <= best[i]) && best[i] == best[i]) best[i] = value;  // a NaN comes in, and stays
      }
    }
  }
  store(out + static_cast<std::int64_t>(pixel) * p.output_pixel_stride + channel, round_to<T>(best));
}

constexpr int vectors_a_block = 4, lanes_a_block = threads_a_block / vectors_a_block;
constexpr int warps_a_block = threads_a_block / warp_size;

// A block averages one output cell of one image for 4 vectors of channels; a thread sums every 64th pixel of the cell
// for one vector.
// PRECOND: is_vectorised() in and out.
template <class T>
__global__ void __launch_bounds__(threads_a_block)
    average_pool_kernel(T* __restrict__ out, const T* __restrict__ in, AveragePoolParams p) {
  wait_for_previous_kernel();
  constexpr int n = channels_a_vector<T>, channels_a_block = vectors_a_block * n;
  __shared__ Shared<float, warps_a_block, channels_a_block> of_warp;
  const int thread = static_cast<int>(threadIdx.x), vector = thread % vectors_a_block;
  const int first_channel = static_cast<int>(blockIdx.x) * channels_a_block, channel = first_channel + vector * n;
  const int cell = static_cast<int>(blockIdx.y), i = cell / p.out.w, j = cell - i * p.out.w;
  const int image = static_cast<int>(blockIdx.z);
  const int y0 = i * p.in.h / p.out.h, y1 = ceil_div((i + 1) * p.in.h, p.out.h);
  const int x0 = j * p.in.w / p.out.w, x1 = ceil_div((j + 1) * p.in.w, p.out.w);
  const int width = x1 - x0, pixels = (y1 - y0) * width;

  ChannelSums<T> sums{};
  if (channel < p.channels) {
    const T* map = in + static_cast<std::int64_t>(image) * p.in.h * p.in.w * p.input_pixel_stride + channel;
#pragma unroll 4
    for (int pixel = thread / vectors_a_block; pixel < pixels; pixel += lanes_a_block) {
      const int y = y0 + pixel / width, x = x0 + pixel % width;
      const Channels<T> values =
          load_constant<n>(map + (static_cast<std::int64_t>(y) * p.in.w + x) * p.input_pixel_stride);
#pragma unroll
      for (int k = 0; k < n; ++k) sums[k] += to_float(values[k]);
    }
  }
#pragma unroll
  for (int k = 0; k < n; ++k) {
#pragma unroll
    for (int bits = vectors_a_block; bits < warp_size; bits *= 2) sums[k] += shuffle_xor(sums[k], bits);
    if (thread % warp_size < vectors_a_block) of_warp[thread / warp_size][vector * n + k] = sums[k];
  }
  sync_block();

  if (thread >= channels_a_block || first_channel + thread >= p.channels) return;
  float sum = 0.0f;
#pragma unroll
  for (int warp = 0; warp < warps_a_block; ++warp) sum += of_warp[warp][thread];
  const std::int64_t out_pixel = (static_cast<std::int64_t>(image) * p.out.h + i) * p.out.w + j;
  out[out_pixel * p.output_pixel_stride + first_channel + thread] = from_float<T>(sum / static_cast<float>(pixels));
}

}  // namespace

template <class T>
void max_pool(T* out, const T* in, const MaxPoolParams& p, Stream stream) {
  const SlidingWindow& window = p.window;
  PRECONDITION(p.images > 0 && p.channels > 0 && p.in.h > 0 && p.in.w > 0 && p.out.h > 0 && p.out.w > 0);
  PRECONDITION(window.kernel.h > 0 && window.kernel.w > 0 && window.stride.h > 0 && window.stride.w > 0);
  PRECONDITION(window.padding.h >= 0 && window.padding.w >= 0 && window.dilation.h > 0 && window.dilation.w > 0);
  PRECONDITION(is_vectorised(in, p.channels, p.input_pixel_stride));
  PRECONDITION(is_vectorised(out, p.channels, p.output_pixel_stride));
  const std::int64_t items = std::int64_t{p.images} * p.out.h * p.out.w * (p.channels / channels_a_vector<T>);
  launch(max_pool_kernel<T>,
         {.grid = {blocks_for(items, threads_a_block)},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         out, in, p);
}

template <class T>
void average_pool(T* out, const T* in, const AveragePoolParams& p, Stream stream) {
  constexpr int most_cells = 65535, most_images = 65535;  // of a grid's second and third dimension
  PRECONDITION(p.images > 0 && p.images <= most_images && p.channels > 0);
  PRECONDITION(p.in.h > 0 && p.in.w > 0 && p.out.h > 0 && p.out.w > 0);
  PRECONDITION(std::int64_t{p.out.h} * p.out.w <= most_cells);
  PRECONDITION(p.in.h <= 32767 && p.in.w <= 32767);  // times an output index, it fits an int
  PRECONDITION(is_vectorised(in, p.channels, p.input_pixel_stride));
  PRECONDITION(is_vectorised(out, p.channels, p.output_pixel_stride));
  launch(average_pool_kernel<T>,
         {.grid = {ceil_div(p.channels, vectors_a_block * channels_a_vector<T>), p.out.h * p.out.w, p.images},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         out, in, p);
}

template void max_pool(float*, const float*, const MaxPoolParams&, Stream);
template void max_pool(Half*, const Half*, const MaxPoolParams&, Stream);
template void average_pool(float*, const float*, const AveragePoolParams&, Stream);
template void average_pool(Half*, const Half*, const AveragePoolParams&, Stream);

Cost cost(const MaxPoolParams& p, int element_bytes) {
  const double in = double(p.in.h) * p.in.w, out = double(p.out.h) * p.out.w;
  const double channels = double(p.images) * p.channels;
  return {.bytes = (in + out) * channels * element_bytes,
          .flops = out * p.window.kernel.h * p.window.kernel.w * channels};
}

Cost cost(const AveragePoolParams& p, int element_bytes) {
  const double in = double(p.in.h) * p.in.w, out = double(p.out.h) * p.out.w;
  const double channels = double(p.images) * p.channels;
  return {.bytes = (in + out) * channels * element_bytes, .flops = in * channels};
}

}  // namespace giemsa::kernels
