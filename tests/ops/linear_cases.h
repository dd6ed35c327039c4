// Shapes that fully connected layers are held to their reference on.
#pragma once

#include "engine/ops/types.h"

namespace giemsa::test {

struct LinearCase {
  const char* name;
  std::int64_t samples, in, out;
  bool scale, bias;
  Activation activation;
};

constexpr LinearCase linear_cases[] = {
    {"one by one", 1, 1, 1, true, true, Activation::none},
    {"shorter than a vector", 1, 7, 31, true, true, Activation::relu},
    {"whole vectors", 1, 64, 16, true, true, Activation::none},
    {"odd", 1, 33, 31, true, true, Activation::relu},
    {"no scale, no bias", 3, 33, 5, false, false, Activation::none},
    {"two samples", 2, 257, 33, true, true, Activation::relu},
    {"five samples", 5, 131, 67, true, false, Activation::none},
    {"eight samples", 8, 96, 64, true, true, Activation::relu},
    {"sixteen samples", 16, 129, 35, false, true, Activation::none},
    {"AlexNet's first, narrowed", 1, 9216, 40, true, true, Activation::relu},
};

}  // namespace giemsa::test
