// Seeded random numbers that are the same with every compiler and on every platform (std's distributions are not).
#pragma once

#include <cstdint>

#include "tools/samples/geometry.h"

namespace giemsa::samples {

/// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). Two draws in one expression
/// have no defined order in C++: draw into named variables, or inside braces.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /// A seed for noise.h.
  std::uint32_t seed() { return static_cast<std::uint32_t>(bits() >> 32); }

  /// Uniform in [low, high).
  float uniform(float low, float high) {
    const float unit = static_cast<float>(bits() >> 40) * 0x1p-24f;
    return low + (high - low) * unit;
  }

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

 private:
  std::uint64_t state_;
};

}  // namespace giemsa::samples
