// Whether a GPU can run what was compiled here. For those who call CUDA's runtime.
#pragma once

#include <cuda_runtime_api.h>

namespace giemsa::kernels {

/// cudaSuccess where the current device can run our kernels; cudaErrorNoKernelImageForDevice where it cannot.
cudaError_t probe();

/// "sm_75, sm_80, sm_90, sm_120 and newer"
const char* built_for();

}  // namespace giemsa::kernels
