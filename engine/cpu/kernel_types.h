// The engine's types as those of kernels/cpu, which this room calls `kernels`.
#pragma once

#include "engine/base/modes.h"
#include "engine/base/tensor.h"
#include "kernels/cpu/nhwc.h"

namespace giemsa::cpu {

namespace kernels = giemsa::kernels::cpu;

/// Throws Error(internal) for a type that no feature map on the CPU has.
kernels::Element element_for(DType dtype);

inline kernels::Extent extent_of(Size2 size) {
  return {size.h, size.w};
}

}  // namespace giemsa::cpu
