// What a GPU can do at most, measured by kernels/ceilings.h.
#pragma once

#include "engine/cuda/runtime.h"
#include "engine/run/session.h"

namespace giemsa::cuda {

/// How much is measured: by default enough to fill any GPU for longer than a launch takes.
struct CeilingsEffort {
  std::size_t copied_bytes = std::size_t{512} << 20;  ///< far more than any L2 cache; a multiple of 16
  int steps = 2048;                                   ///< of each chain of arithmetic; a multiple of 8
  int samples = 9;                                    ///< of which the fastest counts
};

/// Measures the GPU that open_gpu() made current.
DeviceCeilings measure_ceilings(const DeviceFacts& gpu, const CeilingsEffort& effort = {});

}  // namespace giemsa::cuda
