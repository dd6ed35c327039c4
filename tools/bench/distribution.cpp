#include "tools/bench/distribution.h"

#include <algorithm>
#include <numeric>

#include "engine/base/check.h"
#include "tools/text/percentile.h"

namespace giemsa::bench {

Distribution distribution_of(std::span<const double> samples) {
  check(!samples.empty(), ErrorKind::internal, "no sample to describe");
  std::vector<double> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  const auto n = sorted.size();
  const auto where_enough = [&](double p, std::size_t least) {
    return n >= least ? std::optional(percentile(sorted, p)) : std::nullopt;
  };
  return {.samples = n,
          .min = sorted.front(),
          .mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / static_cast<double>(n),
          .max = sorted.back(),
          .p50 = percentile(sorted, 0.5),
          .p90 = where_enough(0.9, 10),
          .p99 = where_enough(0.99, 100),
          .p99_9 = where_enough(0.999, 1000)};
}

}  // namespace giemsa::bench
