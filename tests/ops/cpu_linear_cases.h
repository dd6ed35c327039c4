// What the CPU's fully connected layers are held to beside the shapes of all backends: more samples than a block takes,
// rows of several stretches, with and without a rest.
#pragma once

#include <iterator>
#include <vector>

#include "tests/ops/linear_cases.h"

namespace giemsa::test {

constexpr LinearCase longer_linear_cases[] = {
    {"four samples of long rows", 4, 2100, 19, true, true, Activation::none},
    {"seventeen samples", 17, 70, 37, true, true, Activation::relu},
    {"33 samples of longer rows", 33, 4161, 21, true, true, Activation::relu},
    {"two samples of whole stretches", 2, 4096, 5, true, true, Activation::none},
    {"nineteen samples of whole stretches", 19, 4096, 40, true, true, Activation::relu},
};

inline std::vector<LinearCase> cpu_linear_cases() {
  std::vector<LinearCase> all(std::begin(linear_cases), std::end(linear_cases));
  all.insert(all.end(), std::begin(longer_linear_cases), std::end(longer_linear_cases));
  return all;
}

}  // namespace giemsa::test
