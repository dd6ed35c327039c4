// Seeded random numbers that are the same with every compiler and on every machine (std's distributions are not).
#pragma once

#include <cstdint>

namespace giemsa {

/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  /// The next 64 random bits. Two draws in one expression have no defined order in C++: draw into named variables, or
  /// inside braces.
  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /// Uniform in [low, high).
  float uniform(float low, float high) {
    const float unit = static_cast<float>(bits() >> 40) * 0x1p-24f;
    return low + (high - low) * unit;
  }

 private:
  std::uint64_t state_;
};

}  // namespace giemsa
