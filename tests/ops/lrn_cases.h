// Shapes and windows that LRN is held to its reference on.
#pragma once

#include "engine/ops/lrn.h"

namespace giemsa::test {

struct LrnCase {
  const char* name;
  std::int64_t images, pixels, channels;
  Lrn op;
};

constexpr LrnCase lrn_cases[] = {
    {"one value", 1, 1, 1, {}},
    {"one channel", 1, 33, 1, {}},
    {"AlexNet", 2, 31, 96, {5, 1e-4f, 0.75f, 1.0f}},
    {"strong", 1, 33, 32, {5, 1.0f, 0.75f, 2.0f}},
    {"fewer channels than the window", 1, 31, 3, {5, 0.5f, 0.75f, 1.0f}},
    {"odd channels", 1, 31, 33, {3, 0.5f, 0.75f, 1.0f}},
    {"window of one", 1, 5, 7, {1, 0.5f, 0.75f, 1.0f}},
    {"window nearly as wide as the map", 1, 9, 32, {31, 0.5f, 0.75f, 1.0f}},
    {"widest window", 1, 3, 100, {63, 0.5f, 0.75f, 1.0f}},
    {"another beta", 1, 31, 33, {5, 0.5f, 0.5f, 1.5f}},
    {"many pixels", 1, 600, 5, {3, 0.5f, 0.75f, 1.0f}},
    {"more channels than a block", 1, 3, 600, {5, 0.5f, 0.75f, 1.0f}},
    {"a wide window across blocks", 1, 3, 520, {63, 0.5f, 0.75f, 1.0f}},
};

}  // namespace giemsa::test
