// What this machine can do at most, measured: the yardstick of every suite.
#pragma once

namespace giemsa {

struct Ceilings {
  double fp32_flops = 0;  ///< a second, of fused multiply-adds in registers, on all threads
  double bf16_flops = 0;  ///< the same of the CPU's bf16 dot products (fp32 sums); 0 where it has none
  double copy_bytes = 0;  ///< a second, read plus written, of copying memory far larger than the caches
};

/// Measured at the first call (some 0.5 s): the best of several repetitions.
const Ceilings& ceilings();

}  // namespace giemsa
