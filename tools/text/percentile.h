// Percentiles of whatever was measured.
#pragma once

#include <span>

namespace giemsa {

/// The value below which the share `p` of `sorted` lies, linear between neighbours, as numpy's default has it: the
/// p (n - 1)th, counted from 0. NaN of nothing.
double percentile(std::span<const double> sorted, double p);

}  // namespace giemsa
