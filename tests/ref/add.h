// Element-wise sum, with the optional activation of the Add op.
#pragma once

#include "engine/ops/add.h"
#include "tests/ref/reference.h"

namespace giemsa::ref {

inline Reference add(const Tensor& a, const Tensor& b, const Add& op) {
  Reference result(a.shape(), 1);
  for (std::size_t i = 0; i < result.value.size(); ++i) {
    result.add_term(i, a.as<float>()[i]);
    result.add_term(i, b.as<float>()[i]);
    if (op.activation == Activation::relu && result.value[i] < 0) result.value[i] = 0;
  }
  return result;
}

}  // namespace giemsa::ref
