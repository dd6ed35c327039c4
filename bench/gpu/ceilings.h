// What the GPU can do at most, measured: what a kernel's time is held against.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bench/gpu/timing.h"

namespace giemsa::bench {

/// A second.
struct GpuCeilings {
  double copy_bytes = 0;     ///< read plus written, copying memory far larger than L2
  double l2_copy_bytes = 0;  ///< the same of what stays in L2
  double fp32_flops = 0;     ///< of fused multiply-adds in registers
  double fp16_flops =
      0;  ///< of fp16 matrix products with fp32 sums: the best of cuBLAS, conv2d() and mma.sync in registers
  /// How these came about, and the latencies of launches, each with its unit in its name.
  std::vector<std::pair<std::string, double>> details;
};

/// Some 2 s.
GpuCeilings measure_ceilings(Stopwatch& stopwatch, std::size_t l2_bytes, int sm_count);

/// Of the current GPU.
std::size_t l2_cache_bytes();

/// Prints them.
void print(const GpuCeilings& ceilings);

}  // namespace giemsa::bench
