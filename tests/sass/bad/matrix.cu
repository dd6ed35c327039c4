// Matrix products on and off the tensor cores; the check of machine code has to tell them apart.
#include "kernels/mma.h"

namespace giemsa::kernels {

// A dot product of fp16 pairs by fused multiply-adds.
__global__ void __launch_bounds__(128) no_matrix_kernel(Half2* out, const Half2* a, const Half2* b, int steps) {
  Half2 sum{};
  for (int step = 0; step < steps; ++step) {
    const int at = step * 512 + static_cast<int>(threadIdx.x) * 4;
    const Vec<Half2, 4> of_a = load_constant<4>(a + at), of_b = load_constant<4>(b + at);
#pragma unroll
    for (int i = 0; i < 4; ++i) sum = multiply_add(of_a[i], of_b[i], sum);
  }
  out[threadIdx.x] = sum;
}

// As it should be.
__global__ void __launch_bounds__(32) matrix_kernel(float* out, const unsigned* a, const unsigned* b, int steps) {
  float sums[2][4] = {};
  const int lane = static_cast<int>(threadIdx.x);
  for (int step = 0; step < steps; ++step) {
    const Vec<unsigned, 4> of_a = load_constant<4>(a + step * 128 + lane * 4);
    const Vec<unsigned, 4> of_b = load_constant<4>(b + step * 128 + lane * 4);
    const unsigned a_tile[4] = {of_a[0], of_a[1], of_a[2], of_a[3]};
    const unsigned b_tiles[2][2] = {{of_b[0], of_b[1]}, {of_b[2], of_b[3]}};
    mma_m16n8k16(sums[0], a_tile, b_tiles[0]);
    mma_m16n8k16(sums[1], a_tile, b_tiles[1]);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) out[i * 32 + lane] = sums[0][i] + sums[1][i];
}

}  // namespace giemsa::kernels
