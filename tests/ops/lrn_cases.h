// Shapes and windows that LRN is held to its reference on.
#pragma once

#include "engine/ops/lrn.h"

namespace giemsa::test {

struct LrnCase {
  const char* name;
  std::int64_t images, outer, pixels, inner;  ///< {images, outer, pixels, inner}
  Lrn op;
};

constexpr LrnCase lrn_cases[] = {
    {"one value", 1, 1, 1, 1, {}},
    {"one channel, interleaved", 1, 1, 33, 1, {}},
    {"AlexNet, planar", 2, 96, 31, 1, {5, 1e-4f, 0.75f, 1.0f}},
    {"AlexNet, interleaved", 2, 1, 31, 96, {5, 1e-4f, 0.75f, 1.0f}},
    {"AlexNet, blocked by 16", 1, 6, 33, 16, {5, 1e-4f, 0.75f, 1.0f}},
    {"strong, blocked by 8", 1, 4, 33, 8, {5, 1.0f, 0.75f, 2.0f}},
    {"fewer channels than the window", 1, 3, 31, 1, {5, 0.5f, 0.75f, 1.0f}},
    {"even window", 1, 1, 31, 33, {4, 0.5f, 0.75f, 1.0f}},
    {"even window, planar", 1, 33, 31, 1, {4, 0.5f, 0.75f, 1.0f}},
    {"window of one", 1, 7, 5, 1, {1, 0.5f, 0.75f, 1.0f}},
    {"window wider than a block", 1, 4, 9, 8, {31, 0.5f, 0.75f, 1.0f}},
    {"another beta", 1, 1, 31, 33, {5, 0.5f, 0.5f, 1.5f}},
    {"more pixels than a block", 1, 5, 600, 1, {3, 0.5f, 0.75f, 1.0f}},
    {"more channels than a block", 1, 1, 3, 600, {5, 0.5f, 0.75f, 1.0f}},
};

}  // namespace giemsa::test
