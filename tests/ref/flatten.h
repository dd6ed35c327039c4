// torch.flatten from axis 1 on: over row-major NCHW nothing moves.
#pragma once

#include "tests/ref/reference.h"

namespace giemsa::ref {

inline Reference flatten(const Tensor& input) {
  const Shape& in = input.shape();
  Reference result({in[0], in[1] * in[2] * in[3]}, 0);
  const auto x = input.as<float>();
  result.value.assign(x.begin(), x.end());
  return result;
}

}  // namespace giemsa::ref
