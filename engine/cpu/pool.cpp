#include "engine/cpu/pool.h"

#include <algorithm>

#include "engine/base/simd.h"
#include "engine/cpu/elementwise.h"
#include "engine/cpu/vector_kernels.h"

namespace giemsa::cpu {

namespace {

/// sums[c] += the pixels first..last (exclusive) of `src`.
template <class T>
GIEMSA_INLINE void sum_body(float* sums, const Nhwc& src, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i) {
    const T* in = src.pixel<T>(i);
    for (std::int64_t c = 0; c < src.c; ++c) sums[c] += load(in[c]);
  }
}
GIEMSA_SIMD void sum_pixels(float* sums, const Nhwc& src, std::int64_t first, std::int64_t last) {
  switch (src.dtype) {
    case DType::bf16:
      return sum_body<Bf16>(sums, src, first, last);
    case DType::u8:
      return sum_body<std::uint8_t>(sums, src, first, last);
    case DType::i8:
      return sum_body<std::int8_t>(sums, src, first, last);
    default:
      return sum_body<float>(sums, src, first, last);
  }
}

}  // namespace

namespace {

VectorKernels::MaxPoolRow max_pool_kernel(DType dtype) {
  const VectorKernels& kernels = vector_kernels();
  switch (dtype) {
    case DType::bf16:
      return kernels.max_pool_bf16;
    case DType::u8:
      return kernels.max_pool_u8;
    case DType::i8:
      return kernels.max_pool_i8;
    default:
      return kernels.max_pool_f32;
  }
}

}  // namespace

void max_pool(const Nhwc& dst, const Nhwc& src, const MaxPool& op) {
  const auto row_kernel = max_pool_kernel(src.dtype);
  const std::int64_t rows = dst.n * dst.h;
#pragma omp parallel for schedule(static)
  for (std::int64_t row = 0; row < rows; ++row) row_kernel(dst, src, op, row);
}

std::size_t adaptive_avg_pool_scratch(const Shape& input, const Shape& output) {
  // One partial sum per input row of each output cell: rows are summed apart, then in order, so that the result does
  // not depend on the number of threads and rounding errors grow with h + w instead of h * w.
  const std::int64_t rows_per_cell = (input[2] + output[2] - 1) / output[2] + 1;
  return static_cast<std::size_t>(output[0] * output[2] * output[3] * rows_per_cell * input[1]);
}

void adaptive_avg_pool(const Nhwc& dst, const Nhwc& src, float* sums) {
  // One pixel a cell, as in AlexNet at the size that it is made for.
  if (src.h == dst.h && src.w == dst.w) return copy_pixels(dst, src);
  const std::int64_t rows_per_cell = (src.h + dst.h - 1) / dst.h + 1;
  const auto y0 = [&](std::int64_t oy) { return oy * src.h / dst.h; };
  const auto y1 = [&](std::int64_t oy) { return ((oy + 1) * src.h + dst.h - 1) / dst.h; };
  const auto x0 = [&](std::int64_t ox) { return ox * src.w / dst.w; };
  const auto x1 = [&](std::int64_t ox) { return ((ox + 1) * src.w + dst.w - 1) / dst.w; };

  const std::int64_t cells = dst.pixels();
#pragma omp parallel for schedule(static)
  for (std::int64_t job = 0; job < cells * rows_per_cell; ++job) {
    const std::int64_t cell = job / rows_per_cell, ox = cell % dst.w, oy = cell / dst.w % dst.h,
                       image = cell / dst.w / dst.h;
    const std::int64_t y = y0(oy) + job % rows_per_cell;
    float* row_sums = sums + job * src.c;
    std::fill_n(row_sums, src.c, 0.0f);
    const std::int64_t row = (image * src.h + y) * src.w;
    if (y < y1(oy)) sum_pixels(row_sums, src, row + x0(ox), row + x1(ox));
  }

  for (std::int64_t cell = 0; cell < cells; ++cell) {
    const std::int64_t ox = cell % dst.w, oy = cell / dst.w % dst.h;
    const auto count = static_cast<double>((y1(oy) - y0(oy)) * (x1(ox) - x0(ox)));
    for (std::int64_t c = 0; c < src.c; ++c) {
      double sum = 0;
      for (std::int64_t row = 0; row < rows_per_cell; ++row) sum += sums[(cell * rows_per_cell + row) * src.c + c];
      const auto mean = static_cast<float>(sum / count * src.scale);
      if (dst.dtype == DType::bf16)
        store(dst.pixel<Bf16>(cell)[c], mean);
      else
        store(dst.pixel<float>(cell)[c], mean);
    }
  }
}

}  // namespace giemsa::cpu
