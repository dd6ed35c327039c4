// Pooling over NHWC. Bandwidth-bound.
#pragma once

#include "engine/cpu/nhwc.h"
#include "engine/ops/max_pool.h"

namespace giemsa::cpu {

/// torch.nn.MaxPool2d; padding is -inf. dst and src have one element type.
void max_pool(const Nhwc& dst, const Nhwc& src, const MaxPool& op);

/// torch.nn.AdaptiveAvgPool2d. `sums` is scratch of average_pool_scratch() floats.
void adaptive_avg_pool(const Nhwc& dst, const Nhwc& src, float* sums);
std::size_t adaptive_avg_pool_scratch(const Shape& input, const Shape& output);

}  // namespace giemsa::cpu
