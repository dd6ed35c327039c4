// What this machine, or its GPU, can do at most, measured: the yardstick of benchmarks and traces.
#pragma once

namespace giemsa::bench {

struct Ceilings {
  double fp32_flops = 0;  ///< a second, of fused multiply-adds in registers, on all threads; 0 where the CPU has none
  double fp16_flops = 0;  ///< of a GPU's matrix products of fp16 with fp32 sums; 0 of a CPU
  double bf16_flops = 0;  ///< the same of the CPU's bf16 dot products (fp32 sums); 0 where it has none
  double int8_ops = 0;    ///< of its dot products of 8-bit integers, two operations a product; 0 where it has none
  double copy_bytes = 0;  ///< a second, read plus written, of copying memory far larger than the caches
};

/// The CPU's: the best of several repetitions on so many threads; takes 0.5 to 1 s. A GPU's are
/// Backend::measure_ceilings()'s.
Ceilings measure_ceilings(int threads);

}  // namespace giemsa::bench
