// Step 1: a thread makes one output and reads all that it needs for it from global memory.
//
// Neighbouring threads make neighbouring channels of a pixel, so that the output is written in whole sectors and the
// window's element is the same for most of a warp: one sector. Its weights are not: packed rows of K lie K elements
// apart, and each lane reads 2 bytes from another sector, of which it uses the rest only in the next 15 steps of k, if
// L1 still has it then. A multiply-add requests 2 bytes of window and 2 of weight a thread, which is 33 sectors or 1
// KiB per warp: 33 bytes per multiply-add where 4 are used. The load units limit it, whatever the arithmetic.
#include "kernels/conv2d_parts.h"
#include "kernels/ladder/conv2d_ladder.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256;

// A thread makes one element of the output.
// PRECOND: as check_preconditions().
__global__ void __launch_bounds__(threads_a_block)
    naive_kernel(Conv2dEpilogue<Half, Half> epilogue, const Half* input, const Half* weight, Conv2dParams p) {
  const int i = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  if (i >= p.pixels() * p.out_channels) return;
  const int pixel = i / p.out_channels, channel = i - pixel * p.out_channels, group = channel / p.group_out();
  const Window window = window_of(p, pixel);
  const Half* const row = weight + channel * p.packed_depth();
  float sum = 0;
  Tap tap{};
  for (int k = 0; k < p.depth(); ++k) {
    const int element = element_of(p, window, tap);
    if (element >= 0)
      sum += to_float(load_constant<1>(input + group * p.group_in() + element)[0]) *
             to_float(load_constant<1>(row + k)[0]);
    advance(tap, 1, p.group_in(), p.kernel.w);
  }
  epilogue.write<1>({{sum}}, pixel, channel);
}

}  // namespace

void conv2d_v1_naive(Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& p, Stream stream) {
  check_preconditions(inputs, p);
  launch(
      naive_kernel,
      {.grid = {ceil_div(p.pixels() * p.out_channels, threads_a_block)}, .block = {threads_a_block}, .stream = stream},
      epilogue_of(output, inputs, p), inputs.input, inputs.weight, p);
}

}  // namespace giemsa::kernels
