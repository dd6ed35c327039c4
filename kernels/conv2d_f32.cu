// Dense fp32 convolution (see conv2d.h), the reference mode: the same implicit GEMM by fused multiply-adds, kept simple
// rather than fast. A block of 128 threads makes 32 pixels x 64 channels, a thread 4x4 of them; 16 of k pass through
// shared memory at a time, transposed, so that a thread reads its four pixels and four channels as one vector each: 2
// loads of 16 bytes for 16 multiply-adds. It computes 2 M N K flops and is limited by that shared-memory traffic.
#include "kernels/conv2d_parts.h"

namespace giemsa::kernels {

namespace {

constexpr int tile_m = 32, tile_n = 64, tile_k = 16, threads_a_block = 128;
constexpr int rows_a_pass = threads_a_block / tile_k;            // of the window matrix, an element a thread
constexpr int channels_a_pass = threads_a_block / (tile_k / 4);  // of the weight, four elements per thread

// A block makes tile_m pixels x tile_n channels of a group, a thread 4x4.
// PRECOND: as check_preconditions(); fours: epilogue.accepts(4, group_out).
__global__ void __launch_bounds__(threads_a_block)
    conv2d_f32_kernel(Conv2dEpilogue<float, float> epilogue, const float* input, const float* weight, Conv2dParams p,
                      bool fours) {
  __shared__ Shared<float, tile_k, tile_m + 4> windows;
  __shared__ Shared<float, tile_k, tile_n + 4> weights;
  wait_for_previous_kernel();
  const int thread = static_cast<int>(threadIdx.x), group = static_cast<int>(blockIdx.z);
  const int first_pixel = static_cast<int>(blockIdx.x) * tile_m, first_channel = static_cast<int>(blockIdx.y) * tile_n;
  const int group_in = p.group_in(), group_out = p.group_out(), packed_depth = p.packed_depth();
  input += group * group_in;
  weight += group * group_out * packed_depth;

  const int k = thread % tile_k, row = thread / tile_k;
  const int weight_k = thread % (tile_k / 4) * 4, weight_row = thread / (tile_k / 4);
  Window of_row[tile_m / rows_a_pass];
#pragma unroll
  for (int i = 0; i < tile_m / rows_a_pass; ++i) of_row[i] = window_of(p, first_pixel + row + i * rows_a_pass);
  Tap tap = tap_at(p, k);

  const int m = thread / (tile_n / 4) * 4, n = thread % (tile_n / 4) * 4;
  float sums[4][4] = {};
  for (int first_k = 0; first_k < p.depth(); first_k += tile_k) {
#pragma unroll
    for (int i = 0; i < tile_m / rows_a_pass; ++i) {
      const int element = element_of(p, of_row[i], tap);
      windows[k][row + i * rows_a_pass] = element >= 0 ? load_constant<1>(input + element)[0] : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < tile_n / channels_a_pass; ++i) {
      const int at = weight_row + i * channels_a_pass, channel = first_channel + at;
      Vec<float, 4> values{};
      if (channel < group_out && first_k + weight_k < packed_depth)
        values = load_constant<4>(weight + channel * packed_depth + first_k + weight_k);
#pragma unroll
      for (int j = 0; j < 4; ++j) weights[weight_k + j][at] = values[j];
    }
    advance(tap, tile_k, group_in, p.kernel.w);
    sync_block();
#pragma unroll
    for (int i = 0; i < tile_k; ++i) {
      const Vec<float, 4> a = load<4>(&windows[i][m]), b = load<4>(&weights[i][n]);
#pragma unroll
      for (int y = 0; y < 4; ++y)
#pragma unroll
        for (int x = 0; x < 4; ++x) sums[y][x] += a[y] * b[x];
    }
    sync_block();
  }

#pragma unroll
  for (int y = 0; y < 4; ++y) {
    const int pixel = first_pixel + m + y, channel = first_channel + n, at = group * group_out + channel;
    if (pixel >= p.pixels() || channel >= group_out) continue;
    if (fours) {
      epilogue.write<4>({{sums[y][0], sums[y][1], sums[y][2], sums[y][3]}}, pixel, at);
    } else {
#pragma unroll
      for (int x = 0; x < 4; ++x)
        if (channel + x < group_out) epilogue.write<1>({{sums[y][x]}}, pixel, at + x);
    }
  }
}

}  // namespace

void conv2d_f32(float* output, const Conv2dInputs<float>& inputs, const Conv2dParams& params, Stream stream) {
  check_preconditions(inputs, params);
  const Launch how{.grid = {ceil_div(params.pixels(), tile_m), ceil_div(params.group_out(), tile_n), params.groups},
                   .block = {threads_a_block},
                   .overlap_previous = true,
                   .stream = stream};
  PRECONDITION(how.grid.y < 1 << 16 && how.grid.z < 1 << 16);
  const Conv2dEpilogue<float, float> epilogue = epilogue_of(output, inputs, params);
  launch(conv2d_f32_kernel, how, epilogue, inputs.input, inputs.weight, params,
         epilogue.accepts(4, params.group_out()));
}

}  // namespace giemsa::kernels
