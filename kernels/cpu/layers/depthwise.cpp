#include "kernels/cpu/layers/depthwise.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/windows.h"

#define GIEMSA_SIMD_LOOPS "kernels/cpu/layers/depthwise.simd.h"
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

namespace {

using Row = void (*)(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias,
                     const DepthwiseParams& params, std::int64_t row);

Row row_kernel_for(Element from, Element to) {
  using U8 = std::uint8_t;
  using I8 = std::int8_t;
  if (from == Element::f32) return GIEMSA_SIMD_BEST(depthwise_row<float, float>);
  if (from == Element::bf16) return GIEMSA_SIMD_BEST(depthwise_row<Bf16, Bf16>);
  if (from == Element::u8)
    return to == Element::u8 ? GIEMSA_SIMD_BEST(depthwise_row<U8, U8>) : GIEMSA_SIMD_BEST(depthwise_row<I8, U8>);
  return to == Element::u8 ? GIEMSA_SIMD_BEST(depthwise_row<U8, I8>) : GIEMSA_SIMD_BEST(depthwise_row<I8, I8>);
}

}  // namespace

void depthwise(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias,
               const DepthwiseParams& params) {
  const Row row_kernel = row_kernel_for(src.element, dst.element);
  const std::int64_t rows = dst.n * dst.h;
  // Neighbouring rows read much of the same input: a thread takes several, yet not so many that others wait for it.
  const std::int64_t chunk = std::clamp<std::int64_t>(rows / (8 * max_threads()), 1, 16);
  parallel_for_dynamic(rows, chunk, [&](std::int64_t row) { row_kernel(dst, src, weights, bias, params, row); });
}

}  // namespace giemsa::kernels::cpu
