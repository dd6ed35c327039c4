// Weights as integers.
#pragma once

#include <cstdint>

namespace giemsa::kernels::cpu {

/// A matrix {rows, columns} as int8, each row with a symmetric scale of its own: max|row| / 127 (1 for a row of zeros),
/// values rounded to nearest, ties to even. -128 does not occur.
void quantize_rows(std::int8_t* weight, float* scale, const float* matrix, std::int64_t rows, std::int64_t columns);

}  // namespace giemsa::kernels::cpu
