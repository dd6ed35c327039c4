// What a kernel asks of its caller.
#pragma once

#include <stdexcept>

namespace giemsa::kernels::cpu {

/// Throws std::invalid_argument with the given text unless `holds`.
inline void require(bool holds, const char* otherwise) {
  if (!holds) [[unlikely]]
    throw std::invalid_argument(otherwise);
}

}  // namespace giemsa::kernels::cpu
