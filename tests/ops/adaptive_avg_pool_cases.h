// AdaptiveAvgPool: the cases that every backend is held to.
#pragma once

#include <string>
#include <vector>

#include "engine/base/tensor.h"
#include "engine/ops/adaptive_avg_pool.h"

namespace giemsa::test {

struct AdaptiveAvgPoolCase {
  std::string name;
  Shape input;
  AdaptiveAvgPool op;
};

inline std::vector<AdaptiveAvgPoolCase> adaptive_avg_pool_cases() {
  return {
      {"global", {1, 130, 14, 14}, {{1, 1}}},
      {"global of one pixel", {1, 3, 1, 1}, {{1, 1}}},
      {"global non-square", {3, 17, 31, 33}, {{1, 1}}},
      {"AlexNet of 224", {1, 64, 6, 6}, {{6, 6}}},
      {"AlexNet of 256", {2, 33, 7, 7}, {{6, 6}}},
      {"odd cells", {1, 16, 33, 31}, {{5, 7}}},
      {"larger than the input", {2, 17, 3, 2}, {{7, 5}}},
      {"broadcast", {1, 31, 1, 1}, {{3, 4}}},
      {"rows only", {1, 1, 31, 7}, {{1, 7}}},
  };
}

}  // namespace giemsa::test
