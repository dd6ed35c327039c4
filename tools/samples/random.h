// What drawing a smear leaves to chance, the same on every machine.
#pragma once

#include <cstdint>

#include "engine/base/split_mix.h"
#include "tools/samples/geometry.h"

namespace giemsa::samples {

class Random : public SplitMix64 {
 public:
  using SplitMix64::SplitMix64;

  /// A seed for noise.h.
  std::uint32_t seed() { return static_cast<std::uint32_t>(bits() >> 32); }

  /// Uniform in low..high, both included.
  int integer(int low, int high) {
    const auto choices = static_cast<std::uint64_t>(high - low) + 1;
    return low + static_cast<int>((bits() >> 32) * choices >> 32);
  }

  /// In any direction, `low` to `high` long.
  Vec step(float low, float high) {
    const Vec heading = direction(uniform(0, 1));
    return heading * uniform(low, high);
  }

  bool chance(float probability) { return uniform(0, 1) < probability; }
};

}  // namespace giemsa::samples
