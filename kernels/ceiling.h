// What ReLU6 has beside ReLU: a largest result.
#pragma once

#include <limits>

namespace giemsa::kernels {

/// The ceiling of a rectifier that has none.
inline constexpr float unbounded = std::numeric_limits<float>::infinity();

}  // namespace giemsa::kernels
