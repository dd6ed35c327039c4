// Local response normalisation by definition, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/ops/lrn.h"

namespace giemsa::ref {

/// Channel `c` of a pixel whose channels are value(0..channels-1).
inline double lrn_at(const Lrn& op, const std::function<double(std::int64_t)>& value, std::int64_t channels,
                     std::int64_t c) {
  double sum = 0;
  for (std::int64_t j = c - op.size / 2; j <= c + op.size / 2; ++j)
    if (j >= 0 && j < channels) sum += value(j) * value(j);
  return value(c) / std::pow(op.k + double{op.alpha} / static_cast<double>(op.size) * sum, double{op.beta});
}

/// Roundings of a result, each relative to it. The sum is rounded size + 4 times, which the power scales by beta. Then either
/// a reciprocal root of 2 ulps, of which one and a half factors are taken, a root and two products, or a power of 4 ulps
/// and a quotient: 9.
inline double lrn_roundings(const Lrn& op) {
  return double{op.beta} * static_cast<double>(op.size + 4) + 9;
}

}  // namespace giemsa::ref
