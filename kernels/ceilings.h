// Loops of one kind of work and nothing else: timed, they give a GPU's ceilings, which other kernels' times are held
// against. No network runs them.
//
//   copy_words              bytes between DRAM and the multiprocessors, or within L2
//   multiply_add_chains     fp32 fused multiply-adds in registers
//   multiply_matrix_chains  fp16 matrix products with fp32 sums, in registers, by the instruction of mma.h (mma.sync).
//                           What else a generation has, such as the wgmma of compute capability 9.0, may do more.
#pragma once

#include "kernels/types.h"

namespace giemsa::kernels {

/// How often the two kernels of arithmetic go round, and on how many blocks of 256 threads.
struct ChainParams {
  int blocks = 1;
  int steps = 512;  ///< of each chain; a multiple of 8

  std::size_t outputs() const { return std::size_t{256} * static_cast<std::size_t>(blocks); }
};

/// In {bytes} -> out {bytes}, both aligned to 16, by `blocks` blocks of 256 threads. `bytes` is a multiple of 16.
/// Throws std::invalid_argument where a precondition fails, as do the others.
void copy_words(void* out, const void* in, std::size_t bytes, int blocks, Stream stream);

/// In each thread 16 chains of x = x / 2 + 1 that do not depend on each other, starting at the thread's number in its
/// block plus the chain's -> out {outputs}, each thread's sum of them.
void multiply_add_chains(float* out, const ChainParams& params, Stream stream);

/// In each warp 8 sums of `steps` products A B that do not depend on each other, of one A {16, 16} and one B {16, 8} of
/// +-0.5 -> out {outputs}, each thread's sum of what it holds of them.
void multiply_matrix_chains(float* out, const ChainParams& params, Stream stream);

/// FLOPs, two for each multiply-add, of a launch.
double multiply_add_flops(const ChainParams& params);
double multiply_matrix_flops(const ChainParams& params);

}  // namespace giemsa::kernels
