// What the ladders are counted on: shapes of real layers and masks, as much of them as the emulator runs in seconds.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/simt/counters.h"

namespace giemsa::ladder {

struct Step {
  std::string name, change;
  simt::Counts counts;  ///< threads taking turns in their order
  std::string detail;   ///< how the product's step was configured
  /// The counts in other orders, where threads race and the way that each has to go depends on who went before.
  std::vector<std::pair<std::string, simt::Counts>> other_orders = {};
};

struct Case {
  std::string title, shape;
  double multiply_adds = 0;  ///< 0: not a matter of arithmetic
  double useful_bytes = 0;   ///< each operand once
  std::vector<Step> steps;
};

/// Runs every step, verifies that all results are the same bits, and counts. Throws where a result differs.
std::vector<Case> count_convolutions();
std::vector<Case> count_labels();
std::vector<Case> count_split();

}  // namespace giemsa::ladder
