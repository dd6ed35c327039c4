// Depthwise convolution (see depthwise.h). With k taps it moves in + out elements once and computes 2 k flops an
// output: 3x3 on fp16 has 4.5 flops a byte, a hundredth of what would busy an H100's fp32 units, so memory limits it,
// and the load instructions behind it: k of 16 bytes for 16 bytes of output.
//
// A thread makes the same 16 bytes of channels for 4 neighbours along x: a weight is loaded once for the four, and each
// tap is four independent loads. Threads of a warp are neighbours in the channels, then in x, so a warp's load fills
// whole 128-byte lines and the taps that pixels share come from L1. 3x3 is unrolled; other kernels loop.
#include "kernels/depthwise.h"

#include "kernels/channels.h"
#include "kernels/relu6.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 128, pixels_a_thread = 4;

// A block makes 128 consecutive groups of 4 pixels by 16 bytes of channels, a thread one.
// PRECOND: is_vectorised() in, out, weights and bias; the number of groups + 128 fits an int.
template <class T, int fixed_kernel>
__global__ void __launch_bounds__(threads_a_block, 3)
    depthwise_kernel(T* __restrict__ out, const T* __restrict__ in, const T* __restrict__ weights,
                     const float* __restrict__ bias, DepthwiseParams p) {
  wait_for_previous_kernel();
  constexpr int n = channels_a_vector<T>;
  const Extent kernel = fixed_kernel > 0 ? Extent{fixed_kernel, fixed_kernel} : p.window.kernel;
  const Extent stride = p.window.stride, dilation = p.window.dilation;
  const int vectors = p.channels / n, groups = ceil_div(p.out.w, pixels_a_thread);
  const int item = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int channel = item % vectors * n, first_x = item / vectors % groups * pixels_a_thread;
  const int row = item / vectors / groups, image = row / p.out.h, y = row - image * p.out.h;
  if (image >= p.images) return;

  ChannelSums<T> sums[pixels_a_thread];
#pragma unroll
  for (int i = 0; i < pixels_a_thread; ++i) sums[i] = load_bias<n>(bias, channel);
#pragma unroll(fixed_kernel > 0 ? fixed_kernel : 1)
  for (int ky = 0; ky < kernel.h; ++ky) {
    const int in_y = y * stride.h - p.window.padding.h + ky * dilation.h;
    if (in_y < 0 || in_y >= p.in.h) continue;
    const T* in_row = in + (static_cast<std::int64_t>(image) * p.in.h + in_y) * p.in.w * p.input_pixel_stride + channel;
#pragma unroll(fixed_kernel > 0 ? fixed_kernel : 1)
    for (int kx = 0; kx < kernel.w; ++kx) {
      const Channels<T> weight = load_constant<n>(weights + (ky * kernel.w + kx) * p.channels + channel);
#pragma unroll
      for (int i = 0; i < pixels_a_thread; ++i) {
        const int in_x = (first_x + i) * stride.w - p.window.padding.w + kx * dilation.w;
        if (in_x < 0 || in_x >= p.in.w) continue;
        multiply_add(sums[i], load_constant<n>(in_row + static_cast<std::int64_t>(in_x) * p.input_pixel_stride),
                     weight);
      }
    }
  }

  T* out_row = out + (static_cast<std::int64_t>(row) * p.out.w + first_x) * p.output_pixel_stride + channel;
#pragma unroll
  for (int i = 0; i < pixels_a_thread; ++i) {
    if (first_x + i >= p.out.w) break;
    if (p.relu) relu(sums[i], p.ceiling);
    store(out_row + static_cast<std::int64_t>(i) * p.output_pixel_stride, round_to<T>(sums[i]));
  }
}

}  // namespace

template <class T>
void depthwise(T* out, const T* in, const T* weights, const float* bias, const DepthwiseParams& p, Stream stream) {
  const SlidingWindow& window = p.window;
  PRECONDITION(p.images > 0 && p.channels > 0 && p.in.h > 0 && p.in.w > 0 && p.out.h > 0 && p.out.w > 0);
  PRECONDITION(window.kernel.h > 0 && window.kernel.w > 0 && window.stride.h > 0 && window.stride.w > 0);
  PRECONDITION(window.padding.h >= 0 && window.padding.w >= 0 && window.dilation.h > 0 && window.dilation.w > 0);
  PRECONDITION(is_vectorised(in, p.channels, p.input_pixel_stride));
  PRECONDITION(is_vectorised(out, p.channels, p.output_pixel_stride));
  PRECONDITION(is_vectorised(weights, p.channels, p.channels) && is_vectorised(bias, p.channels, p.channels));

  const std::int64_t groups = ceil_div(p.out.w, pixels_a_thread);
  const std::int64_t items = groups * p.images * p.out.h * (p.channels / channels_a_vector<T>);
  const bool three = window.kernel.h == 3 && window.kernel.w == 3;
  launch(three ? depthwise_kernel<T, 3> : depthwise_kernel<T, 0>,
         {.grid = {blocks_for(items, threads_a_block)},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         out, in, weights, bias, p);
}

template void depthwise(float*, const float*, const float*, const float*, const DepthwiseParams&, Stream);
template void depthwise(Half*, const Half*, const Half*, const float*, const DepthwiseParams&, Stream);

Cost cost(const DepthwiseParams& p, int element_bytes) {
  const double taps = double(p.window.kernel.h) * p.window.kernel.w;
  const double in = double(p.images) * p.in.h * p.in.w, out = double(p.images) * p.out.h * p.out.w;
  return {.bytes = (in + out + taps) * p.channels * element_bytes + 4.0 * p.channels,
          .flops = 2.0 * taps * out * p.channels};
}

}  // namespace giemsa::kernels
