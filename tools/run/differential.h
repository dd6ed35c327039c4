// The differential count: what share of the white cells each class has, and how far chance alone may have moved it.
#pragma once

#include <span>
#include <vector>

#include "tools/run/results.h"

namespace giemsa {

/// One class's cells. `share` and its limits are of 1; `share` is 0 where there is no cell at all.
struct ClassShare {
  std::int64_t cells = 0;
  double share = 0, low = 0, high = 1;
};

/// The 95 % interval of a share, by Wilson's score (Wilson 1927): good for few cells and for shares near 0 and 1.
ClassShare share_of(std::int64_t cells, std::int64_t all);

struct Differential {
  CellCounts counts;
  std::vector<ClassShare> shares;  ///< of the cells that have a name, in the order of the classifier's classes
};

/// Of all images that did not fail. Cells that are unsure, and what is no white cell, are counted apart: the share of
/// `other_class` is 0. The intervals are those of counting: that a cell may be named wrong or missed is not in them.
Differential differential_count(std::span<const ImageResult> images, std::span<const std::string> classes);

}  // namespace giemsa
