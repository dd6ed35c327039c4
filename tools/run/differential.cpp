#include "tools/run/differential.h"

#include <algorithm>
#include <cmath>

namespace giemsa {

ClassShare share_of(std::int64_t cells, std::int64_t all) {
  if (all == 0) return {};
  constexpr double z = 1.959963984540054;  // of the normal distribution, 2.5 % beyond it on either side
  const auto n = static_cast<double>(all);
  const double share = static_cast<double>(cells) / n, spread = 1 + z * z / n;
  const double middle = (share + z * z / (2 * n)) / spread;
  const double half = z / spread * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  // At 0 and at 1 the limit is the share itself, which rounding may miss.
  return {cells, share, cells == 0 ? 0 : std::max(0.0, middle - half), cells == all ? 1 : std::min(1.0, middle + half)};
}

Differential differential_count(std::span<const ImageResult> images, std::span<const std::string> classes) {
  Differential result{CellCounts(classes.size()), {}};
  for (const ImageResult& image : images) result.counts.add(image.cells);
  for (std::size_t i = 0; i < classes.size(); ++i)
    result.shares.push_back(classes[i] == other_class ? ClassShare{}
                                                      : share_of(result.counts.classes[i], result.counts.named));
  return result;
}

}  // namespace giemsa
