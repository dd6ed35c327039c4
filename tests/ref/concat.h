// torch.cat along channels.
#pragma once

#include <span>

#include "tests/ref/reference.h"

namespace giemsa::ref {

inline Reference concat(std::span<const Tensor> inputs) {
  const Shape& first = inputs[0].shape();
  std::int64_t channels = 0;
  for (const Tensor& input : inputs) channels += input.shape()[1];
  Reference result({first[0], channels, first[2], first[3]}, 0);
  std::int64_t offset = 0;
  for (const Tensor& input : inputs) {
    for_each_element(input.shape(), [&](std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x, std::size_t i) {
      result.value[at(result.shape, n, offset + c, y, x)] = input.as<float>()[i];
    });
    offset += input.shape()[1];
  }
  return result;
}

}  // namespace giemsa::ref
