// torch.nn.Softmax over axis 1 of {N,K}.
#pragma once

#include <algorithm>

#include "tests/ref/reference.h"

namespace giemsa::ref {

inline Reference softmax(const Tensor& input) {
  const std::int64_t rows = input.shape()[0], k = input.shape()[1];
  const auto x = input.as<float>();
  const auto [low, high] = std::ranges::minmax_element(x);
  // exp(x - max): the difference is off by u |x - max|, which exp makes a relative error of that size; exp itself and
  // the stored quotient are off by an ulp (2u) each. Once for the numerator, once for the denominator, whose sum adds
  // k more.
  Reference result(input.shape(), 2 * (static_cast<double>(*high) - *low + 2) + 2 + static_cast<double>(k));
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto values = x.subspan(static_cast<std::size_t>(row * k), static_cast<std::size_t>(k));
    const double largest = *std::ranges::max_element(values);
    double sum = 0;
    for (const float value : values) sum += std::exp(value - largest);
    for (std::size_t i = 0; i < values.size(); ++i)
      result.add_term(static_cast<std::size_t>(row * k) + i, std::exp(values[i] - largest) / sum);
  }
  return result;
}

}  // namespace giemsa::ref
