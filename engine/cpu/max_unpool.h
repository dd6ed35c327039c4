// Max pooling that remembers the place of each maximum, and its inverse, over NHWC. Bandwidth-bound.
#pragma once

#include "engine/cpu/nhwc.h"
#include "engine/ops/max_unpool.h"

namespace giemsa::cpu {

/// The MaxPoolIndices op: `taps` is u8 {N,H',W',C}. dst and src have one element type and scale.
void max_pool_indices(const Nhwc& dst, std::uint8_t* taps, const Nhwc& src, const MaxPoolIndices& op);

/// The MaxUnpool op, likewise.
void max_unpool(const Nhwc& dst, const Nhwc& src, const std::uint8_t* taps, const MaxUnpool& op);

}  // namespace giemsa::cpu
