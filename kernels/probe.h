// Whether a GPU can run what was compiled here. For those who call CUDA's runtime.
#pragma once

#include <cuda_runtime_api.h>

namespace giemsa::kernels {

/// cudaSuccess where the current device can run our kernels; cudaErrorNoKernelImageForDevice where it cannot.
cudaError_t probe();

/// By compute capability: "machine code for 7.5, 8.0, 9.0, 12.0, PTX for 9.0, 12.0 and later".
const char* built_for();

/// The oldest driver that can read the kernels, by the version of CUDA that it serves, as cudaDriverGetVersion() writes
/// it (12040 is 12.4); 0 where every driver that serves the runtime can.
int least_driver();

}  // namespace giemsa::kernels
