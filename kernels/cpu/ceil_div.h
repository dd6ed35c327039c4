// Division that rounds up.
#pragma once

#include <cstdint>

namespace giemsa::kernels::cpu {

/// The quotient of a number that is not negative by a positive one, rounded up.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace giemsa::kernels::cpu
