// min(max(x, 0), ceiling).
#pragma once

#include <algorithm>
#include <limits>

#include "tests/ref/reference.h"

namespace giemsa::ref {

inline Reference relu(const Tensor& input, double ceiling = std::numeric_limits<double>::infinity()) {
  Reference result(input.shape(), 0);
  for (std::size_t i = 0; i < result.value.size(); ++i) {
    const double x = input.as<float>()[i];
    result.value[i] = std::clamp(x, 0.0, ceiling);
  }
  return result;
}

}  // namespace giemsa::ref
