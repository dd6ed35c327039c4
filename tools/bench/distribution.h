// What is said of a set of latencies.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace giemsa::bench {

/// Milliseconds of one thing, in the order in which they were measured.
struct Series {
  std::string name;  ///< "segment", "total", "cold_start"
  std::vector<double> ms;
};

/// Percentiles are linear between neighbours, as numpy's default has them. The 90th, 99th and 99.9th are absent where
/// fewer samples were taken than lie on one side of them on average: below 10, 100 and 1000.
struct Distribution {
  std::size_t samples = 0;
  double min = 0, mean = 0, max = 0, p50 = 0;
  std::optional<double> p90, p99, p99_9;
};

/// Of at least one sample.
Distribution distribution_of(std::span<const double> samples);

}  // namespace giemsa::bench
