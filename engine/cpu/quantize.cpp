#include "engine/cpu/quantize.h"

#include <algorithm>
#include <cmath>

#include "engine/base/simd.h"
#include "engine/cpu/nhwc.h"

namespace giemsa::cpu {

namespace {

/// Returns the row's scale.
GIEMSA_SIMD float quantize_row(const float* from, std::int8_t* to, std::size_t count) {
  float largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(from[i]));
  const float scale = largest > 0 ? largest / 127 : 1;
  for (std::size_t i = 0; i < count; ++i) store(to[i], from[i] / scale);
  return scale;
}

}  // namespace

QuantizedRows quantize_rows(std::span<const float> matrix, std::size_t rows) {
  QuantizedRows result{std::vector<std::int8_t>(matrix.size()), std::vector<float>(rows)};
  const std::size_t columns = matrix.size() / rows;
#pragma omp parallel for schedule(static)
  for (std::size_t row = 0; row < rows; ++row)
    result.scale[row] = quantize_row(&matrix[row * columns], &result.weight[row * columns], columns);
  return result;
}

}  // namespace giemsa::cpu
