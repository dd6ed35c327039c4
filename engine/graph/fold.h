// Weights as a backend uploads them.
#pragma once

#include "engine/ops/types.h"

namespace giemsa {

/// Weight and bias of a convolution in fp32, with the folded normalisation (if any) multiplied in:
/// w' = w * g, b' = (b - mean) * g + beta, g = gamma / sqrt(var + eps), computed in fp64 and rounded once. The bias is
/// always there (zeros where the layer has none).
struct DenseWeights {
  std::vector<float> weight, bias;
};
DenseWeights fold(const Weights& weights);

}  // namespace giemsa
