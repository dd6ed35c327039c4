#include "engine/cpu/depthwise.h"

#include <algorithm>

#include "engine/cpu/simd.h"

namespace giemsa::cpu {

namespace {

constexpr std::int64_t lanes = 64;  // channels whose sums stay in registers: four 512-bit vectors

struct Range {
  std::int64_t begin, end;
};

/// Taps k for which 0 <= origin + k * dilation < extent.
[[gnu::always_inline]] inline Range taps_inside(std::int64_t origin, std::int64_t dilation, std::int64_t kernel,
                                                std::int64_t extent) {
  const std::int64_t begin = origin >= 0 ? 0 : (-origin + dilation - 1) / dilation;
  const std::int64_t end = origin >= extent ? 0 : std::min(kernel, (extent - 1 - origin) / dilation + 1);
  return {begin, std::max(begin, end)};
}

/// `width` (at most `lanes`) channels, from channel c on, of one output pixel. A constant `width` lets the sums live in
/// registers.
template <class T>
[[gnu::always_inline]] inline void pixel_body(T* out, const Nhwc& src, const float* weights, const float* bias,
                                              const Conv2d& op, std::int64_t image_row, std::int64_t y, std::int64_t x,
                                              Range rows, Range columns, std::int64_t c, std::int64_t width) {
  float sums[lanes];
  for (std::int64_t i = 0; i < width; ++i) sums[i] = bias[c + i];
  for (std::int64_t ky = rows.begin; ky < rows.end; ++ky) {
    for (std::int64_t kx = columns.begin; kx < columns.end; ++kx) {
      const T* in = src.pixel<T>((image_row + y + ky * op.dilation.h) * src.w + x + kx * op.dilation.w) + c;
      const float* tap = weights + (ky * op.kernel.w + kx) * src.c + c;
      for (std::int64_t i = 0; i < width; ++i) sums[i] += load(in[i]) * tap[i];
    }
  }
  if (op.activation == Activation::relu)
    for (std::int64_t i = 0; i < width; ++i) sums[i] = sums[i] < 0.0f ? 0.0f : sums[i];
  for (std::int64_t i = 0; i < width; ++i) store(out[c + i], sums[i]);
}

/// One row of output pixels.
template <class T>
[[gnu::always_inline]] inline void row_body(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias,
                                            const Conv2d& op, std::int64_t row) {
  const std::int64_t image_row = row / dst.h * src.h;
  const std::int64_t y = row % dst.h * op.stride.h - op.padding.h;
  const Range rows = taps_inside(y, op.dilation.h, op.kernel.h, src.h);
  for (std::int64_t ox = 0; ox < dst.w; ++ox) {
    const std::int64_t x = ox * op.stride.w - op.padding.w;
    const Range columns = taps_inside(x, op.dilation.w, op.kernel.w, src.w);
    T* out = dst.pixel<T>(row * dst.w + ox);
    std::int64_t c = 0;
    for (; c + lanes <= src.c; c += lanes)
      pixel_body(out, src, weights, bias, op, image_row, y, x, rows, columns, c, lanes);
    for (; c + 16 <= src.c; c += 16) pixel_body(out, src, weights, bias, op, image_row, y, x, rows, columns, c, 16);
    if (c < src.c) pixel_body(out, src, weights, bias, op, image_row, y, x, rows, columns, c, src.c - c);
  }
}
GIEMSA_SIMD void row_f32(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias, const Conv2d& op,
                         std::int64_t row) {
  row_body<float>(dst, src, weights, bias, op, row);
}
GIEMSA_SIMD void row_bf16(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias, const Conv2d& op,
                          std::int64_t row) {
  row_body<Bf16>(dst, src, weights, bias, op, row);
}

}  // namespace

void depthwise(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias, const Conv2d& op) {
  const std::int64_t rows = dst.n * dst.h;
  const auto row_kernel = src.dtype == DType::bf16 ? row_bf16 : row_f32;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t row = 0; row < rows; ++row) row_kernel(dst, src, weights, bias, op, row);
}

}  // namespace giemsa::cpu
