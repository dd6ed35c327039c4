#include "engine/cpu/depthwise.h"

#include <omp.h>

#include <algorithm>

#include "engine/cpu/vector_kernels.h"

namespace giemsa::cpu {

namespace {

VectorKernels::DepthwiseRow kernel_for(DType from, DType to) {
  const VectorKernels& kernels = vector_kernels();
  if (from == DType::f32) return kernels.depthwise_f32;
  if (from == DType::bf16) return kernels.depthwise_bf16;
  return kernels.depthwise_8bit[from == DType::i8][to == DType::i8];
}

}  // namespace

void depthwise(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias, const Conv2d& op) {
  const auto row_kernel = kernel_for(src.dtype, dst.dtype);
  const std::int64_t rows = dst.n * dst.h;
  // Neighbouring rows read much of the same input: a thread takes several, yet not so many that others wait for it.
  const std::int64_t rows_at_once = std::clamp<std::int64_t>(rows / (8 * omp_get_max_threads()), 1, 16);
#pragma omp parallel for schedule(dynamic, rows_at_once)
  for (std::int64_t row = 0; row < rows; ++row) row_kernel(dst, src, weights, bias, op, row);
}

}  // namespace giemsa::cpu
