// Local response normalisation (see lrn.h). It moves each element in and out once and computes 2 size + 6 flops for it:
// with a window of 5 and fp16 that is 4 flops a byte, so memory limits it, provided that the power does not: powf and a
// division are about 100 instructions per element. AlexNet's beta needs neither: s^-0.75 = r sqrt(r) with r = s^-0.5,
// for which there is an instruction.
//
// So there is a kernel for AlexNet's window of 5 and beta of 0.75, where a thread makes 16 bytes of channels of one
// pixel. It needs two more channels on either side: a load each, which its neighbours' loads have brought into L1. Sums
// are made anew for each channel: a running sum would keep the rounding error of what left the window. Whatever else is
// asked for, the second kernel does, one thread per channel.
#include "kernels/lrn.h"

#include "kernels/channels.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256, halo = 2;

/// The squares of n neighbours.
template <int n, class T>
__device__ __forceinline__ void load_squares(float* squares, const T* from) {
  const Vec<T, n> values = load_constant<n>(from);
#pragma unroll
  for (int i = 0; i < n; ++i) squares[i] = to_float(values[i]) * to_float(values[i]);
}

// A block makes 256 consecutive vectors of channels, a thread one.
// PRECOND: p.size is 5, p.beta 0.75; is_vectorised() in and out; the number of vectors + 256 fits an int.
template <class T>
__global__ void __launch_bounds__(threads_a_block)
    alexnet_lrn_kernel(T* __restrict__ out, const T* __restrict__ in, LrnParams p, float scale) {
  wait_for_previous_kernel();
  constexpr int n = channels_a_vector<T>;
  const int vectors = p.channels / n, item = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int pixel = item / vectors, channel = (item - pixel * vectors) * n;
  if (pixel >= p.pixels) return;

  const T* from = in + static_cast<std::int64_t>(pixel) * p.input_pixel_stride + channel;
  float squares[halo + n + halo] = {};
  if (channel > 0) load_squares<halo>(squares, from - halo);
  if (channel + n < p.channels) load_squares<halo>(squares + halo + n, from + n);
  const Channels<T> values = load_constant<n>(from);
#pragma unroll
  for (int i = 0; i < n; ++i) squares[halo + i] = to_float(values[i]) * to_float(values[i]);
  ChannelSums<T> result;
#pragma unroll
  for (int i = 0; i < n; ++i) {
    const float sum = squares[i] + squares[i + 1] + squares[i + 2] + squares[i + 3] + squares[i + 4];
    const float root = reciprocal_sqrt(p.k + scale * sum);
    result[i] = to_float(values[i]) * (root * sqrtf(root));
  }
  store(out + static_cast<std::int64_t>(pixel) * p.output_pixel_stride + channel, round_to<T>(result));
}

// A block makes 256 consecutive elements, a thread one.
// PRECOND: the number of elements + 256 fits an int.
template <class T>
__global__ void __launch_bounds__(threads_a_block)
    lrn_kernel(T* __restrict__ out, const T* __restrict__ in, LrnParams p, float scale) {
  wait_for_previous_kernel();
  const int item = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int pixel = item / p.channels, channel = item - pixel * p.channels;
  if (pixel >= p.pixels) return;

  const T* from = in + static_cast<std::int64_t>(pixel) * p.input_pixel_stride;
  const int first = max(channel - p.size / 2, 0), last = min(channel + p.size / 2, p.channels - 1);
  float sum = 0.0f;
  for (int j = first; j <= last; ++j) {
    const float value = to_float(from[j]);
    sum += value * value;
  }
  out[static_cast<std::int64_t>(pixel) * p.output_pixel_stride + channel] =
      from_float<T>(to_float(from[channel]) / powf(p.k + scale * sum, p.beta));
}

}  // namespace

template <class T>
void lrn(T* out, const T* in, const LrnParams& p, Stream stream) {
  PRECONDITION(p.pixels > 0 && p.channels > 0 && p.channels <= 1 << 30);
  PRECONDITION(p.size > 0 && p.size <= 1 << 30 && p.size % 2 == 1);
  PRECONDITION(p.input_pixel_stride >= p.channels && p.output_pixel_stride >= p.channels);
  const bool as_alexnet = p.size == 2 * halo + 1 && p.beta == 0.75f &&
                          is_vectorised(in, p.channels, p.input_pixel_stride) &&
                          is_vectorised(out, p.channels, p.output_pixel_stride);
  const std::int64_t items = p.pixels * (p.channels / (as_alexnet ? channels_a_vector<T> : 1));
  launch(as_alexnet ? alexnet_lrn_kernel<T> : lrn_kernel<T>,
         {.grid = {blocks_for(items, threads_a_block)},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         out, in, p, p.alpha / static_cast<float>(p.size));
}

template void lrn(float*, const float*, const LrnParams&, Stream);
template void lrn(Half*, const Half*, const LrnParams&, Stream);

Cost cost(const LrnParams& p, int element_bytes) {
  const double elements = static_cast<double>(p.pixels) * p.channels;
  return {.bytes = 2.0 * elements * element_bytes, .flops = (2.0 * p.size + 6.0) * elements};
}

}  // namespace giemsa::kernels
