#include "engine/cpu/depthwise.h"

#include "engine/cpu/vector_kernels.h"

namespace giemsa::cpu {

void depthwise(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias, const Conv2d& op) {
  const VectorKernels& kernels = vector_kernels();
  const auto row_kernel = src.dtype == DType::bf16 ? kernels.depthwise_bf16 : kernels.depthwise_f32;
  const std::int64_t rows = dst.n * dst.h;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t row = 0; row < rows; ++row) row_kernel(dst, src, weights, bias, op, row);
}

}  // namespace giemsa::cpu
