// How the product's convolution came to be, step by step. Each step computes what conv2d() of kernels/conv2d.h does:
// fp16 in and out, fp32 sums, NHWC, as an implicit GEMM of M output pixels x N output channels x K = taps x channels.
// The step after the last is conv2d() itself, which adds three tile sizes, a model that picks one, and split-K.
//
//   file                       against the step before
//   conv2d_v1_naive.cu         a thread makes an output alone
//   conv2d_v2_shared_tiles.cu  a block shares what its 16 x 16 outputs read
//   conv2d_v3_registers.cu     a thread makes 4 x 4 outputs; loads of 16 bytes
//   conv2d_v4_tensor_cores.cu  a warp makes 32 x 32 by matrix instructions
//   conv2d_v5_pipeline.cu      asynchronous copies three steps ahead; swizzled tiles
//
// Bytes below are what a block requests from the caches for a multiply-add; the head comments of the steps work them
// out, bench/README.md shows them counted.
#pragma once

#include "kernels/conv2d.h"

namespace giemsa::kernels {

/// All take what conv2d() takes. Throw std::invalid_argument where a precondition fails.
void conv2d_v1_naive(Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& params, Stream stream);
void conv2d_v2_shared_tiles(Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& params, Stream stream);
void conv2d_v3_registers(Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& params, Stream stream);
void conv2d_v4_tensor_cores(Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& params, Stream stream);
void conv2d_v5_pipeline(Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& params, Stream stream);

struct Conv2dStep {
  const char *name, *change;
  void (*run)(Half*, const Conv2dInputs<Half>&, const Conv2dParams&, Stream);
};
inline constexpr Conv2dStep conv2d_steps[] = {
    {"v1 naive", "a thread makes an output alone", conv2d_v1_naive},
    {"v2 shared tiles", "16 x 16 outputs share what they read", conv2d_v2_shared_tiles},
    {"v3 registers", "4 x 4 outputs a thread, loads of 16 bytes", conv2d_v3_registers},
    {"v4 tensor cores", "32 x 32 outputs a warp, by matrix instructions", conv2d_v4_tensor_cores},
    {"v5 pipeline", "copies three steps ahead, swizzled tiles", conv2d_v5_pipeline},
};

}  // namespace giemsa::kernels
