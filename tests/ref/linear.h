// A fully connected layer by definition, in double.
#pragma once

#include <cmath>
#include <cstdint>

#include "engine/ops/types.h"

namespace giemsa::ref {

struct LinearValue {
  double value;      ///< after bias and activation
  double magnitude;  ///< |scale| * sum of |x * w|, + |bias|: what rounding errors are relative to
};

template <class W>
LinearValue linear_at(const float* x, const W* w, std::int64_t in, double scale, double bias, Activation activation) {
  double sum = 0, magnitude = 0;
  for (std::int64_t k = 0; k < in; ++k) {
    sum += static_cast<double>(x[k]) * static_cast<double>(w[k]);
    magnitude += std::abs(static_cast<double>(x[k]) * static_cast<double>(w[k]));
  }
  const double value = sum * scale + bias;
  return {activation == Activation::relu && value < 0 ? 0 : value, magnitude * std::abs(scale) + std::abs(bias)};
}

}  // namespace giemsa::ref
