// A histogram as a picture for a page.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace giemsa {

/// Bars of equal width from 0; the last also holds everything that is larger.
struct Histogram {
  double bar_width = 0;  ///< 1, 2 or 5 times a power of ten
  std::vector<std::size_t> counts;
};

/// Of values that are not negative; empty where there are none. Reaches to the largest value, but not beyond four times
/// the median: a slow first image must not squeeze all others into one bar.
Histogram histogram_of(std::span<const double> values);

/// An <svg> of it; `unit` stands at the axis.
std::string histogram_svg(const Histogram& histogram, const char* unit);

}  // namespace giemsa
