// Shapes that bilinear upsampling and the fused threshold are held to their references on.
#pragma once

#include "engine/ops/threshold.h"

namespace giemsa::test {

struct UpsampleCase {
  const char* name;
  std::int64_t images, channels;
  Size2 in, out;
};

constexpr UpsampleCase upsample_cases[] = {
    {"1x1 to 1x1", 1, 1, {1, 1}, {1, 1}},       {"broadcast", 3, 1, {1, 1}, {31, 33}},
    {"to one pixel", 1, 1, {31, 33}, {1, 1}},   {"identity", 2, 1, {31, 33}, {31, 33}},
    {"four times", 2, 1, {14, 14}, {56, 56}},   {"odd", 1, 1, {9, 13}, {31, 33}},
    {"shrink", 1, 1, {33, 31}, {17, 5}},        {"one row", 1, 1, {1, 9}, {1, 33}},
    {"one column", 1, 1, {9, 1}, {33, 1}},      {"more rows than a task", 1, 1, {5, 7}, {97, 31}},
    {"eight channels", 3, 8, {7, 9}, {31, 33}}, {"sixteen channels", 2, 16, {7, 9}, {28, 36}},
    {"five channels", 2, 5, {7, 9}, {31, 33}},  {"many channels", 1, 304, {3, 5}, {9, 11}},
};

struct UpsampleThresholdCase {
  const char* name;
  std::int64_t channels;
  Size2 in, out;
  bool align_corners;
  float threshold;
  ClassSet cells = all_but_class_0;
};

constexpr UpsampleThresholdCase upsample_threshold_cases[] = {
    {"sigmoid", 1, {14, 14}, {56, 56}, false, 0.5f},
    {"sigmoid, 0.3, aligned", 1, {9, 13}, {31, 33}, true, 0.3f},
    {"sigmoid, one pixel", 1, {1, 1}, {31, 33}, false, 0.9f},
    {"argmax", 2, {14, 14}, {57, 63}, false, 0.5f},
    {"argmax, aligned", 2, {7, 9}, {97, 131}, true, 0.5f},
    {"two classes, 0.8", 2, {9, 13}, {31, 33}, false, 0.8f},
    {"five classes", 5, {9, 13}, {31, 33}, false, 0.5f},
    {"six classes, 0.2, aligned", 6, {7, 9}, {33, 31}, true, 0.2f},
    {"to one pixel", 2, {31, 33}, {1, 1}, false, 0.5f},
    {"two classes, the first is the cell", 2, {9, 13}, {31, 33}, false, 0.5f, 0b01},
    {"two classes, the first is the cell, 0.3", 2, {9, 13}, {31, 33}, true, 0.3f, 0b01},
    {"four classes, the third is the cell", 4, {9, 13}, {31, 33}, false, 0.5f, 0b0100},
    {"five classes, the first and the last are cells", 5, {7, 9}, {33, 31}, true, 0.6f, 0b10001},
    {"64 classes, the last is not", 64, {3, 5}, {9, 11}, false, 0.5f, ~(ClassSet{1} << 63)},
};

}  // namespace giemsa::test
