// Row kernels of NHWC ops, sixteen channels at a time, compiled once per instruction set; the CPU's own is picked at
// run time.
#pragma once

#include "engine/cpu/nhwc.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/max_pool.h"

namespace giemsa::cpu {

struct VectorKernels {
  /// One row of output pixels of a depthwise convolution: see depthwise.h.
  using DepthwiseRow = void (*)(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias,
                                const Conv2d& op, std::int64_t row);
  /// One row of output pixels of a max pool.
  using MaxPoolRow = void (*)(const Nhwc& dst, const Nhwc& src, const MaxPool& op, std::int64_t row);

  DepthwiseRow depthwise_f32, depthwise_bf16;
  DepthwiseRow depthwise_8bit[2][2];  ///< [whether the input is signed][whether the output is]
  MaxPoolRow max_pool_f32, max_pool_bf16, max_pool_u8, max_pool_i8;
};

/// The best that this CPU runs. All give the same bits.
const VectorKernels& vector_kernels();

}  // namespace giemsa::cpu
