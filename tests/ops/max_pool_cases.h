// MaxPool: the cases that every backend is held to.
#pragma once

#include <string>
#include <vector>

#include "engine/base/tensor.h"
#include "engine/ops/max_pool.h"

namespace giemsa::test {

struct MaxPoolCase {
  std::string name;
  Shape input;
  MaxPool op;
  Size2 output;  // as PyTorch gives it
};

inline std::vector<MaxPoolCase> max_pool_cases() {
  return {
      {"stem", {1, 64, 112, 112}, {{3, 3}, {2, 2}, {1, 1}}, {56, 56}},
      {"stem of an odd map", {2, 33, 57, 31}, {{3, 3}, {2, 2}, {1, 1}}, {29, 16}},
      {"one pixel", {1, 1, 1, 1}, {{1, 1}, {1, 1}}, {1, 1}},
      {"one pixel padded", {1, 3, 1, 1}, {{3, 3}, {2, 2}, {1, 1}}, {1, 1}},
      {"two pixels padded", {3, 17, 2, 1}, {{2, 2}, {1, 1}, {1, 1}}, {3, 2}},
      {"AlexNet", {1, 64, 55, 55}, {{3, 3}, {2, 2}}, {27, 27}},
      {"floor 6", {1, 16, 6, 6}, {{3, 3}, {2, 2}}, {2, 2}},
      {"ceil 6", {1, 16, 6, 6}, {{3, 3}, {2, 2}, {0, 0}, true}, {3, 3}},
      {"ceil 7", {1, 16, 7, 7}, {{3, 3}, {2, 2}, {0, 0}, true}, {3, 3}},
      {"ceil 8", {1, 16, 8, 8}, {{3, 3}, {2, 2}, {0, 0}, true}, {4, 4}},
      {"ceil drops a window that starts in the padding", {1, 3, 5, 5}, {{2, 2}, {3, 3}, {1, 1}, true}, {2, 2}},
      {"ceil non-square", {2, 31, 8, 5}, {{3, 2}, {2, 3}, {1, 0}, true}, {5, 2}},
      {"overlapping", {1, 130, 7, 33}, {{5, 3}, {1, 1}, {2, 1}}, {7, 33}},
      {"stride beyond the kernel", {1, 17, 9, 9}, {{2, 2}, {4, 3}}, {2, 3}},
  };
}

}  // namespace giemsa::test
