// Weights as integers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace giemsa::cpu {

struct QuantizedRows {
  std::vector<std::int8_t> weight;
  std::vector<float> scale;  ///< one a row
};

/// A matrix of `rows` rows, each with a symmetric scale of its own: max|row| / 127 (1 for a row of zeros), values
/// rounded to nearest, halves to even. -128 does not occur.
QuantizedRows quantize_rows(std::span<const float> matrix, std::size_t rows);

}  // namespace giemsa::cpu
