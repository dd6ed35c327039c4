// Seeded test data, the same on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "engine/tensor.h"

namespace giemsa::ref {

/// Values of a grid of 2^-6 in [low, high]: exact in bf16 while |value| < 4, so that fp32 and bf16 implementations
/// start from the same numbers. (The distributions of <random> differ between libraries, its generators don't.)
inline Tensor random_tensor(Shape shape, std::uint32_t seed, double low = -1, double high = 1) {
  std::mt19937 generator(seed);
  const double steps = (high - low) * 64 + 1;
  std::vector<float> values(static_cast<std::size_t>(shape.volume()));
  for (float& value : values) {
    const auto step = static_cast<std::int64_t>(generator() * 0x1p-32 * steps);
    value = static_cast<float>(low + static_cast<double>(step) / 64);
  }
  return Tensor::from(shape, std::move(values));
}

}  // namespace giemsa::ref
