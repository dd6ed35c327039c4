// Seeded tensors, the same on every machine.
#pragma once

#include "engine/base/tensor.h"
#include "tests/ops/random.h"

namespace giemsa::ref {

/// Values low + i / 64 up to high. Where low and high are multiples of 1/64 and |value| < 4, all are exact in bf16, so
/// that fp32 and bf16 implementations start from the same numbers.
inline Tensor random_tensor(Shape shape, std::uint64_t seed, double low = -1, double high = 1) {
  test::Random random(seed);
  const auto steps = static_cast<std::uint64_t>((high - low) * 64) + 1;
  std::vector<float> values(static_cast<std::size_t>(shape.volume()));
  for (float& value : values) value = static_cast<float>(low + static_cast<double>(random.bits() % steps) / 64);
  return Tensor::from(shape, std::move(values));
}

}  // namespace giemsa::ref
