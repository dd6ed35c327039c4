// Copies, sums and scalings of pictures (see pointwise.h): at most a flop for 2 bytes, so memory limits them. A thread
// makes 16 bytes of channels of one pixel, or a single channel where these are not whole vectors; neighbours in a warp
// are neighbours in the channels, then in the pixels, so that a dense picture is one stream. Finding pixel and channel
// takes one division, which the memory hides.
//
// The output may be one of the inputs: hence no __restrict__ and no read-only loads of pictures.
#include "kernels/pointwise.h"

#include "kernels/channels.h"
#include "kernels/relu6.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256;

enum class Pointwise { copy, add, affine };

/// A picture as a kernel reads it.
template <class T>
struct Pixels {
  const T* data;
  int stride;

  template <int n>
  __device__ __forceinline__ Vec<float, n> at(int pixel, int channel) const {
    const Vec<T, n> values = load<n>(data + static_cast<std::int64_t>(pixel) * stride + channel);
    Vec<float, n> result;
#pragma unroll
    for (int i = 0; i < n; ++i) result[i] = to_float(values[i]);
    return result;
  }
};

template <int n>
__device__ __forceinline__ Vec<float, n> load_coefficients(const float* values, int channel) {
  if constexpr (n == 1)
    return {values[channel]};
  else
    return load_bias<n>(values, channel);
}

// A block makes 256 consecutive vectors of n channels, a thread one.
// PRECOND: p.channels is a multiple of n; for n > 1 is_vectorised() every picture, scale and shift; the number of
// vectors + 256 fits an int.
template <class T, int n, Pointwise op>
__global__ void __launch_bounds__(threads_a_block)
    pointwise_kernel(T* out, Pixels<T> a, Pixels<T> b, const float* scale, const float* shift, PointwiseParams p) {
  wait_for_previous_kernel();
  const int vectors = p.channels / n, item = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int pixel = item / vectors, channel = (item - pixel * vectors) * n;
  if (pixel >= p.pixels) return;

  Vec<float, n> values = a.template at<n>(pixel, channel);
  if constexpr (op == Pointwise::add) {
    const Vec<float, n> second = b.template at<n>(pixel, channel);
#pragma unroll
    for (int i = 0; i < n; ++i) values[i] += second[i];
  }
  if constexpr (op == Pointwise::affine) {
    const Vec<float, n> factors = load_coefficients<n>(scale, channel), terms = load_coefficients<n>(shift, channel);
#pragma unroll
    for (int i = 0; i < n; ++i) values[i] = values[i] * factors[i] + terms[i];
  }
  if (p.relu) relu(values, p.ceiling);
  store(out + static_cast<std::int64_t>(pixel) * p.output_pixel_stride + channel, round_to<T>(values));
}

template <Pointwise op, class T>
void start(T* out, Pixels<T> a, Pixels<T> b, const float* scale, const float* shift, const PointwiseParams& p,
           Stream stream) {
  PRECONDITION(p.pixels > 0 && p.channels > 0 && p.output_pixel_stride >= p.channels);
  PRECONDITION(a.stride >= p.channels && b.stride >= p.channels);
  PRECONDITION(out != a.data || a.stride == p.output_pixel_stride);
  PRECONDITION(out != b.data || b.stride == p.output_pixel_stride);
  const bool vectorised = is_vectorised(a.data, p.channels, a.stride) && is_vectorised(b.data, p.channels, b.stride) &&
                          is_vectorised(out, p.channels, p.output_pixel_stride) &&
                          is_vectorised(scale, p.channels, p.channels) && is_vectorised(shift, p.channels, p.channels);
  const std::int64_t items = p.pixels * (p.channels / (vectorised ? channels_a_vector<T> : 1));
  launch(vectorised ? pointwise_kernel<T, channels_a_vector<T>, op> : pointwise_kernel<T, 1, op>,
         {.grid = {blocks_for(items, threads_a_block)},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         out, a, b, scale, shift, p);
}

}  // namespace

template <class T>
void copy_pixels(T* out, const T* in, const PointwiseParams& p, Stream stream) {
  const Pixels<T> pixels{in, p.first_pixel_stride};
  start<Pointwise::copy>(out, pixels, pixels, nullptr, nullptr, p, stream);
}

template <class T>
void add_pixels(T* out, const T* a, const T* b, const PointwiseParams& p, Stream stream) {
  start<Pointwise::add>(out, Pixels<T>{a, p.first_pixel_stride}, Pixels<T>{b, p.second_pixel_stride}, nullptr, nullptr,
                        p, stream);
}

template <class T>
void affine_pixels(T* out, const T* in, const float* scale, const float* shift, const PointwiseParams& p,
                   Stream stream) {
  const Pixels<T> pixels{in, p.first_pixel_stride};
  start<Pointwise::affine>(out, pixels, pixels, scale, shift, p, stream);
}

template void copy_pixels(float*, const float*, const PointwiseParams&, Stream);
template void copy_pixels(Half*, const Half*, const PointwiseParams&, Stream);
template void add_pixels(float*, const float*, const float*, const PointwiseParams&, Stream);
template void add_pixels(Half*, const Half*, const Half*, const PointwiseParams&, Stream);
template void affine_pixels(float*, const float*, const float*, const float*, const PointwiseParams&, Stream);
template void affine_pixels(Half*, const Half*, const float*, const float*, const PointwiseParams&, Stream);

Cost cost(const PointwiseParams& p, int element_bytes, int inputs) {
  const double elements = static_cast<double>(p.pixels) * p.channels;
  return {.bytes = (inputs + 1.0) * elements * element_bytes, .flops = elements};
}

}  // namespace giemsa::kernels
