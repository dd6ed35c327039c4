// Loads of 4 bytes where memory is the limit: the check of machine code has to report them, and only them.
#include "kernels/device.h"

namespace giemsa::kernels {

__global__ void __launch_bounds__(128) narrow_kernel(float* out, const float* in, int steps) {
  float sum = 0.0f;
  for (int step = 0; step < steps; ++step) sum += load_constant<1>(in + step * 128 + threadIdx.x)[0];
  out[threadIdx.x] = sum;
}

// That there are 16-byte loads somewhere doesn't help: the loop has none.
__global__ void __launch_bounds__(128) narrow_loop_kernel(float* out, const float* in, const float* start, int steps) {
  const Vec<float, 4> first = load_constant<4>(start + threadIdx.x * 4);
  float sum = first[0] + first[1] + first[2] + first[3];
  for (int step = 0; step < steps; ++step) sum += load_constant<1>(in + step * 128 + threadIdx.x)[0];
  out[threadIdx.x] = sum;
}

// Nor does it that most loads of the loop are of 16 bytes.
__global__ void __launch_bounds__(128)
    mixed_loop_kernel(float* out, const float* in, const float* scale, const float* after, int steps) {
  float sum = 0.0f;
  for (int step = 0; step < steps; ++step) {
    const Vec<float, 4> values = load_constant<4>(in + step * 512 + threadIdx.x * 4);
    sum += (values[0] + values[1] + values[2] + values[3]) * load_constant<1>(scale + step)[0];
  }
  out[threadIdx.x] = sum + after[threadIdx.x];
}

// As it should be: 4 bytes outside the loop cost nothing.
__global__ void __launch_bounds__(128) wide_kernel(float* out, const float* in, const float* after, int steps) {
  float sum = 0.0f;
  for (int step = 0; step < steps; ++step) {
    const Vec<float, 4> values = load_constant<4>(in + step * 512 + threadIdx.x * 4);
    sum += values[0] + values[1] + values[2] + values[3];
  }
  out[threadIdx.x] = sum + after[threadIdx.x];
}

}  // namespace giemsa::kernels
