// Sizes that resampling is held to its reference on, alone and within Preprocess.
#pragma once

#include "engine/ops/types.h"

namespace giemsa::test {

struct ResizeCase {
  const char* name;
  Size2 in, out;
};

constexpr ResizeCase resize_cases[] = {
    {"one pixel to one", {1, 1}, {1, 1}},    {"one pixel to many", {1, 1}, {5, 7}},
    {"many to one pixel", {31, 33}, {1, 1}}, {"identity", {33, 31}, {33, 31}},
    {"halve", {32, 64}, {16, 32}},           {"shrink, odd", {47, 61}, {24, 31}},
    {"shrink far", {97, 131}, {3, 5}},       {"enlarge, odd", {31, 33}, {47, 61}},
    {"enlarge fivefold", {8, 8}, {40, 40}},  // bicubic outputs lie on samples: windows that shrink and grow again
    {"enlarge far", {2, 3}, {33, 31}},       {"taller, narrower", {31, 67}, {61, 24}},
    {"flatter, wider", {67, 31}, {24, 61}},  {"one row", {1, 33}, {1, 31}},
    {"one column", {33, 1}, {31, 1}},        {"rows only", {33, 20}, {12, 20}},
    {"columns only", {20, 33}, {20, 12}},    {"wider than a block of sums", {3, 200}, {5, 401}},
};

}  // namespace giemsa::test
