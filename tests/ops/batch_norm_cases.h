// BatchNorm: the cases that every backend is held to.
#pragma once

#include <string>
#include <vector>

#include "engine/base/tensor.h"
#include "engine/ops/batch_norm.h"

namespace giemsa::test {

struct BatchNormCase {
  std::string name;
  Shape input;
  BatchNorm op;
};

inline std::vector<BatchNormCase> batch_norm_cases() {
  return {
      {"one value", {1, 1, 1, 1}, {}},
      {"PyTorch's eps", {2, 33, 7, 5}, {.eps = 1e-5f}},
      {"MATLAB's eps", {1, 130, 2, 3}, {.eps = 1e-3f}},
      {"three images", {3, 17, 31, 1}, {}},
  };
}

}  // namespace giemsa::test
