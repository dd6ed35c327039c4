// Classifiers with one output, as BCEWithLogitsLoss trains them, as classifiers with two.
#pragma once

#include <string>

#include "weights/safetensors.h"

namespace giemsa {

/// Where the fully connected layer `layer` gives one logit l, makes it give the two logits 0 and l, whose softmax is
/// 1 - sigmoid(l) and sigmoid(l), and returns true.
bool widen_single_output(TensorMap& tensors, const std::string& layer);

}  // namespace giemsa
