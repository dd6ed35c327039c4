// Fully connected layers on few samples (see linear.h). They move each of in * out weights once, for 2 flops a sample:
// AlexNet's first, 9216 x 4096, are 75 MB in fp16 and 38 MB in int8, 22 and 11 us of an H100's memory at batch 1, where
// everything else is noise. int8 weights become fp32 in registers, as they are loaded.
//
// A warp makes 2 outputs of up to 4 samples: each lane takes every 32nd vector of 16 bytes of weights, so that a warp's
// load is 512 consecutive bytes, and multiplies it with x, which comes from L1 (18 KB per sample) and serves both
// outputs. Lanes are added by shuffles at the end.
#include "kernels/linear.h"

#include "kernels/channels.h"

namespace giemsa::kernels {

namespace {

constexpr int warps_a_block = 4, outputs_a_warp = 2, samples_a_warp = 4;

// A warp makes 2 consecutive outputs of `samples` samples, from blockIdx.y * `samples` on.
// PRECOND: in is a multiple of 16; x and weights are aligned to 16 bytes.
template <class Y, class X, class W, int samples>
__global__ void __launch_bounds__(warps_a_block* warp_size, 3)
    linear_kernel(Y* __restrict__ y, const X* __restrict__ x, const W* __restrict__ weights,
                  const float* __restrict__ scale, const float* __restrict__ bias, LinearParams p) {
  constexpr int n = channels_a_vector<W>, x_vector = min(n, channels_a_vector<X>);
  const int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
  const int first_output = (static_cast<int>(blockIdx.x) * warps_a_block + warp) * outputs_a_warp;
  const int first_sample = static_cast<int>(blockIdx.y) * samples;
  wait_for_previous_kernel();
  if (first_output >= p.out) return;

  float sums[outputs_a_warp][samples] = {};
#pragma unroll 2
  for (int k = lane * n; k < p.in; k += warp_size * n) {
    Vec<W, n> weight[outputs_a_warp];
#pragma unroll
    for (int o = 0; o < outputs_a_warp; ++o)  // an output too many repeats the last, and is not stored
      weight[o] = load_constant<n>(weights + static_cast<std::int64_t>(min(first_output + o, p.out - 1)) * p.in + k);
#pragma unroll
    for (int s = 0; s < samples; ++s) {
      const X* sample = x + static_cast<std::int64_t>(min(first_sample + s, p.samples - 1)) * p.in + k;
#pragma unroll
      for (int part = 0; part < n; part += x_vector) {
        const Vec<X, x_vector> values = load_constant<x_vector>(sample + part);
#pragma unroll
        for (int o = 0; o < outputs_a_warp; ++o)
#pragma unroll
          for (int i = 0; i < x_vector; ++i) sums[o][s] += to_float(values[i]) * to_float(weight[o][part + i]);
      }
    }
  }

#pragma unroll
  for (int o = 0; o < outputs_a_warp; ++o)
#pragma unroll
    for (int s = 0; s < samples; ++s) {
      float sum = sums[o][s];
#pragma unroll
      for (int bits = warp_size / 2; bits > 0; bits /= 2) sum += shuffle_xor(sum, bits);
      const int output = first_output + o, sample = first_sample + s;
      if (lane != 0 || output >= p.out || sample >= p.samples) continue;
      if (scale != nullptr) sum *= scale[output];
      if (bias != nullptr) sum += bias[output];
      y[static_cast<std::int64_t>(sample) * p.out + output] = from_float<Y>(p.relu ? relu(sum) : sum);
    }
}

bool aligned(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
}

}  // namespace

template <class Y, class X, class W>
void linear(Y* y, const X* x, const W* weights, const float* scale, const float* bias, const LinearParams& p,
            Stream stream) {
  PRECONDITION(p.samples > 0 && p.in > 0 && p.in % 16 == 0 && p.out > 0);
  PRECONDITION(p.in <= 1 << 28 && p.out <= 1 << 28);
  PRECONDITION(aligned(x) && aligned(weights));
  const bool one = p.samples == 1;
  const int sample_blocks = ceil_div(p.samples, one ? 1 : samples_a_warp);
  PRECONDITION(sample_blocks <= 65535);  // of a grid's second dimension
  launch(one ? linear_kernel<Y, X, W, 1> : linear_kernel<Y, X, W, samples_a_warp>,
         {.grid = {ceil_div(p.out, warps_a_block * outputs_a_warp), sample_blocks},
          .block = {warps_a_block * warp_size},
          .overlap_previous = true,
          .stream = stream},
         y, x, weights, scale, bias, p);
}

template void linear(float*, const float*, const float*, const float*, const float*, const LinearParams&, Stream);
template void linear(float*, const float*, const std::int8_t*, const float*, const float*, const LinearParams&, Stream);
template void linear(float*, const Half*, const Half*, const float*, const float*, const LinearParams&, Stream);
template void linear(float*, const Half*, const std::int8_t*, const float*, const float*, const LinearParams&, Stream);
template void linear(Half*, const Half*, const Half*, const float*, const float*, const LinearParams&, Stream);
template void linear(Half*, const Half*, const std::int8_t*, const float*, const float*, const LinearParams&, Stream);

Cost cost(const LinearParams& p, int y_bytes, int x_bytes, int weight_bytes) {
  const double in = p.in, out = p.out, samples = p.samples;
  return {.bytes = in * out * weight_bytes + samples * in * x_bytes + samples * out * y_bytes,
          .flops = 2.0 * in * out * samples};
}

}  // namespace giemsa::kernels
