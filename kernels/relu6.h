// The rectifier with a ceiling, as the kernels apply it to neighbouring channels: ReLU6.
#pragma once

#include "kernels/channels.h"

namespace giemsa::kernels {

/// min(max(value, 0), ceiling), but a NaN stays one.
__device__ __forceinline__ float relu(float value, float ceiling) {
  return value < 0.0f ? 0.0f : value > ceiling ? ceiling : value;
}
template <int n>
__device__ __forceinline__ void relu(Vec<float, n>& values, float ceiling) {
#pragma unroll
  for (int i = 0; i < n; ++i) values[i] = relu(values[i], ceiling);
}

}  // namespace giemsa::kernels
