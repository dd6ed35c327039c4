#include "kernels/cpu/layers/max_unpool.h"

#include <algorithm>

#include "kernels/cpu/parallel.h"

#define GIEMSA_SIMD_LOOPS "kernels/cpu/layers/max_unpool.simd.h"
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

void max_pool_indices(const Nhwc& dst, std::uint8_t* taps, const Nhwc& src, const MaxUnpoolParams& params) {
  with_element_type(src.element, [&]<class T>(T*) {
    const auto row_kernel = GIEMSA_SIMD_BEST(pool_indices_row<T>);
    parallel_for(dst.n * dst.h, [&](std::int64_t row) { row_kernel(dst, taps, src, params, row); });
  });
}

void max_unpool(const Nhwc& dst, const Nhwc& src, const std::uint8_t* taps, const MaxUnpoolParams& params) {
  // Elements are moved, not computed with: their size is enough.
  const auto unpool = [&]<class T>(T*) {
    const auto row_kernel = GIEMSA_SIMD_BEST(unpool_row<T>);
    parallel_for(dst.n * dst.h, [&](std::int64_t row) { row_kernel(dst, src, taps, params, row); });
  };
  switch (size_of(src.element)) {
    case 1:
      return unpool(static_cast<std::uint8_t*>(nullptr));
    case 2:
      return unpool(static_cast<std::uint16_t*>(nullptr));
    default:
      return unpool(static_cast<float*>(nullptr));
  }
}

}  // namespace giemsa::kernels::cpu
