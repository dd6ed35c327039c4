// Seeded values for tests: the same on every machine.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/split_mix.h"

namespace giemsa::test {

class Random : public SplitMix64 {
 public:
  using SplitMix64::SplitMix64;

  template <class T>
  std::vector<T> integers(std::int64_t count) {
    std::vector<T> values(static_cast<std::size_t>(count));
    for (T& value : values) value = static_cast<T>(bits());
    return values;
  }
  std::vector<float> floats(std::int64_t count, float low, float high) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = uniform(low, high);
    return values;
  }
};

}  // namespace giemsa::test
