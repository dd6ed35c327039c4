// Boxes that CropResize is held to its reference on.
#pragma once

#include "engine/ops/crop_resize.h"
#include "kernels/cpu/imaging/crop_resize.h"

namespace giemsa::test {

struct CropCase {
  const char* name;
  Size2 frame, output;
  kernels::cpu::Box box;
  Size2 tight, matlab;  ///< what is left of the box in each mode
};

constexpr CropCase crop_cases[] = {
    {"inside", {47, 61}, {31, 33}, {10, 5, 20, 17}, {17, 20}, {18, 21}},
    {"whole frame", {31, 33}, {31, 33}, {0, 0, 33, 31}, {31, 33}, {31, 33}},
    {"one pixel", {31, 33}, {7, 5}, {32, 30, 1, 1}, {1, 1}, {1, 1}},
    {"one pixel, not last", {31, 33}, {7, 5}, {8, 9, 1, 1}, {1, 1}, {2, 2}},
    {"right edge", {31, 33}, {16, 16}, {20, 3, 13, 9}, {9, 13}, {10, 13}},
    {"bottom edge", {31, 33}, {16, 16}, {2, 20, 9, 11}, {11, 9}, {11, 10}},
    {"beyond the top left", {31, 33}, {16, 16}, {-4, -3, 12, 10}, {7, 8}, {8, 9}},
    {"beyond the bottom right", {31, 33}, {16, 16}, {25, 25, 100, 100}, {6, 8}, {6, 8}},
    {"one row", {31, 33}, {8, 24}, {1, 2, 30, 1}, {1, 30}, {2, 31}},
    {"one column", {31, 33}, {24, 8}, {7, 1, 1, 29}, {29, 1}, {30, 2}},
    {"left edge", {31, 33}, {16, 16}, {0, 5, 9, 13}, {13, 9}, {14, 10}},
    {"top edge", {31, 33}, {16, 16}, {5, 0, 13, 9}, {9, 13}, {10, 14}},
    {"beyond all edges", {31, 33}, {33, 31}, {-2, -3, 50, 60}, {31, 33}, {31, 33}},
    {"five times, some outputs on samples", {13, 12}, {40, 45}, {1, 2, 9, 8}, {8, 9}, {9, 10}},
    {"shrunk far, columns first", {211, 301}, {7, 9}, {1, 2, 299, 207}, {207, 299}, {208, 300}},
    {"shrunk far, rows first", {301, 211}, {9, 7}, {2, 1, 207, 299}, {299, 207}, {300, 208}},
    {"one output pixel", {31, 33}, {1, 1}, {3, 4, 9, 11}, {11, 9}, {12, 10}},
};

}  // namespace giemsa::test
