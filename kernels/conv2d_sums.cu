// The sum of splits (see conv2d_sums.h). It moves splits + 1 maps for as many additions: memory limits it, or at the
// sizes that want splits its launch does.
#include "kernels/conv2d_sums.h"

namespace giemsa::kernels {

namespace {

constexpr int sum_threads = 256;

// Adds the splits' parts in their order and finishes them. A thread makes n neighbouring channels of a pixel.
// PRECOND: epilogue.accepts(n, channels); parts is aligned to n floats.
template <int n, class Out>
__global__ void __launch_bounds__(sum_threads)
    conv2d_sum_splits_kernel(Conv2dEpilogue<Out, Half> epilogue, const float* parts, int splits, int pixels,
                             int channels) {
  wait_for_previous_kernel();
  const int i = static_cast<int>(blockIdx.x * sum_threads + threadIdx.x) * n, elements = pixels * channels;
  if (i >= elements) return;
  Vec<float, n> sums = load_streaming<n>(parts + i);
  for (int split = 1; split < splits; ++split) {
    const Vec<float, n> part = load_streaming<n>(parts + split * elements + i);
#pragma unroll
    for (int j = 0; j < n; ++j) sums[j] += part[j];
  }
  const int pixel = i / channels;
  epilogue.template write<n>(sums, pixel, i - pixel * channels);
}

}  // namespace

template <class Out>
void sum_splits(const Conv2dEpilogue<Out, Half>& epilogue, const float* parts, int splits, int pixels, int channels,
                Stream stream) {
  const int n = epilogue.accepts(4, channels) ? 4 : 1;
  launch(n == 4 ? conv2d_sum_splits_kernel<4, Out> : conv2d_sum_splits_kernel<1, Out>,
         {.grid = {ceil_div(pixels * channels, n * sum_threads)},
          .block = {sum_threads},
          .overlap_previous = true,
          .stream = stream},
         epilogue, parts, splits, pixels, channels);
}

template void sum_splits(const Conv2dEpilogue<Half, Half>&, const float*, int, int, int, Stream);
template void sum_splits(const Conv2dEpilogue<float, Half>&, const float*, int, int, int, Stream);

}  // namespace giemsa::kernels
