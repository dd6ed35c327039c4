// Two ways into local memory, each of which the check of machine code has to report.
#include "kernels/device.h"

namespace giemsa::kernels {

constexpr int sums_a_thread = 48;

// 48 sums stay alive through the loop, but two blocks of 1024 threads leave 32 registers to each: sums are spilled.
__global__ void __launch_bounds__(1024, 2) spilling_kernel(float* out, const float* in, int steps) {
  float sums[sums_a_thread] = {};
  for (int step = 0; step < steps; ++step) {
#pragma unroll
    for (int i = 0; i < sums_a_thread; i += 4) {
      const Vec<float, 4> values = load_constant<4>(in + (step * sums_a_thread + i) * 1024 + threadIdx.x * 4);
#pragma unroll
      for (int j = 0; j < 4; ++j) sums[i + j] = sums[i + j] * values[j] + values[(j + 1) % 4];
    }
  }
#pragma unroll
  for (int i = 0; i < sums_a_thread; ++i) out[i * 1024 + threadIdx.x] = sums[i];
}

// A register has no index that is known only at run time: the histogram becomes an array in memory.
__global__ void __launch_bounds__(128) indexing_kernel(int* out, const int* in, int steps) {
  int histogram[16] = {};
  for (int step = 0; step < steps; ++step) {
    const Vec<int, 4> values = load_constant<4>(in + step * 512 + threadIdx.x * 4);
#pragma unroll
    for (int j = 0; j < 4; ++j) ++histogram[values[j] & 15];
  }
#pragma unroll
  for (int i = 0; i < 16; ++i) out[i * 128 + threadIdx.x] = histogram[i];
}

}  // namespace giemsa::kernels
