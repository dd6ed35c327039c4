// Prefetching beyond what the hardware does by itself.
#pragma once

#include <cstdint>

#include "kernels/cpu/simd.h"

namespace giemsa::kernels::cpu {

/// Prefetches from[index], which may lie past the end: a prefetch never faults, but a pointer must not be made to point
/// there. Locality as of __builtin_prefetch: 3 into the first-level cache, 2 into the second.
template <int Locality = 2, class T>
GIEMSA_INLINE void prefetch(const T* from, std::int64_t index) {
  const auto address = reinterpret_cast<std::uintptr_t>(from) + static_cast<std::uintptr_t>(index) * sizeof(T);
  __builtin_prefetch(reinterpret_cast<const void*>(address), 0, Locality);
}

}  // namespace giemsa::kernels::cpu
