// What stands in for cuDNN and cuBLAS in tests of the CUDA backend on a machine without a GPU.
#pragma once

#include <vector>

#include "engine/cuda/vendor.h"

namespace giemsa::simt {

/// Kernels started since the process began.
inline std::int64_t vendor_calls = 0;
/// Whether it declines all it is asked for.
inline bool vendor_refuses = false;
/// What it was asked to plan for cuDNN, in whatever the tests ran so far.
inline std::vector<cuda::ConvolutionDescriptor> convolutions_ordered;

}  // namespace giemsa::simt
