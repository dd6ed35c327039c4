#include "kernels/cpu/matmul/quantize.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/elements.h"
#include "kernels/cpu/parallel.h"

#define GIEMSA_SIMD_LOOPS "kernels/cpu/matmul/quantize.simd.h"
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

void quantize_rows(std::int8_t* weight, float* scale, const float* matrix, std::int64_t rows, std::int64_t columns) {
  const auto quantize = GIEMSA_SIMD_BEST(quantize_row);
  parallel_for(
      rows, [&](std::int64_t row) { scale[row] = quantize(weight + row * columns, matrix + row * columns, columns); });
}

}  // namespace giemsa::kernels::cpu
