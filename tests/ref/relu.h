// max(x, 0).
#pragma once

#include "tests/ref/reference.h"

namespace giemsa::ref {

inline Reference relu(const Tensor& input) {
  Reference result(input.shape(), 0);
  for (std::size_t i = 0; i < result.value.size(); ++i) {
    const double x = input.as<float>()[i];
    result.value[i] = x > 0 ? x : 0;
  }
  return result;
}

}  // namespace giemsa::ref
