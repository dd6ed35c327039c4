// Weights as a model file stores them.
#pragma once

#include "engine/base/tensor.h"

namespace giemsa {

/// A matrix {O,K} as int8 with one fp32 scale a row: row o stands for weight[o] * scale[o].
struct QuantizedRows {
  Tensor weight;  ///< int8 {O,K}
  Tensor scale;   ///< fp32 {O}
};

/// Symmetric: scale = max|row| / 127 (1 for a row of zeros), values rounded to nearest, halves to even; never -128.
QuantizedRows quantize_rows(const Tensor& matrix);

}  // namespace giemsa
