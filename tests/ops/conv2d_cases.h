// Conv2d: the cases that every backend is held to.
#pragma once

#include <string>
#include <vector>

#include "engine/base/tensor.h"
#include "engine/ops/conv2d.h"

namespace giemsa::test {

struct Conv2dCase {
  std::string name;  // no commas: doctest's -sc takes a list
  Shape input;
  Conv2d op;
  bool bias = true;
  double reach = 1;  // of the inputs' and weights' magnitudes; below 2, so that 8 bits hold them in steps of 1/64
};

inline std::vector<Conv2dCase> conv2d_cases() {
  constexpr auto relu = Activation::relu, relu6 = Activation::relu6;
  return {
      // Kernel sizes, on odd and non-square maps.
      {"1x1", {1, 16, 7, 7}, {.out_channels = 33}},
      {"1x1 without bias", {1, 33, 7, 5}, {.out_channels = 16}, false},
      {"1x1 on one pixel", {1, 64, 1, 1}, {.out_channels = 64}},
      {"1x1 from one channel", {1, 1, 31, 33}, {.out_channels = 17}},
      {"1x1 to one channel", {1, 130, 31, 33}, {.out_channels = 1}},
      {"1x1 stride 2", {2, 64, 7, 7}, {.out_channels = 130, .stride = {2, 2}}},
      {"3x3", {1, 16, 31, 33}, {.out_channels = 16, .kernel = {3, 3}, .padding = {1, 1}}},
      {"3x3 unpadded to one pixel", {1, 3, 3, 3}, {.out_channels = 31, .kernel = {3, 3}}},
      {"3x3 on one pixel", {1, 17, 1, 1}, {.out_channels = 17, .kernel = {3, 3}, .padding = {1, 1}}},
      {"3x3 on two pixels", {1, 31, 2, 1}, {.out_channels = 33, .kernel = {3, 3}, .padding = {1, 1}}},
      {"3x3 stride 2", {2, 33, 31, 7}, {.out_channels = 64, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}},
      {"3x3 without bias", {3, 17, 7, 7}, {.out_channels = 31, .kernel = {3, 3}, .padding = {1, 1}}, false},
      {"3x3 asymmetric",
       {1, 16, 9, 11},
       {.out_channels = 8, .kernel = {3, 1}, .stride = {1, 2}, .padding = {1, 0}, .dilation = {2, 1}}},
      {"5x5", {1, 64, 13, 13}, {.out_channels = 33, .kernel = {5, 5}, .padding = {2, 2}, .activation = relu}},
      {"7x7 stem",
       {1, 3, 64, 96},
       {.out_channels = 64, .kernel = {7, 7}, .stride = {2, 2}, .padding = {3, 3}, .activation = relu}},
      {"7x7 stem of 224",
       {1, 3, 224, 224},
       {.out_channels = 64, .kernel = {7, 7}, .stride = {2, 2}, .padding = {3, 3}}},
      {"11x11 stride 4", {1, 3, 63, 63}, {.out_channels = 64, .kernel = {11, 11}, .stride = {4, 4}, .padding = {2, 2}}},
      {"11x11 stride 4 unpadded", {2, 3, 51, 51}, {.out_channels = 96, .kernel = {11, 11}, .stride = {4, 4}}},
      // Few channels and long rows of taps, which are read as one stretch: no multiple of two or four elements, wider
      // than the map, dilated from row to row.
      {"17x15 from one channel",
       {3, 1, 9, 31},
       {.out_channels = 17, .kernel = {17, 15}, .padding = {8, 7}, .activation = relu}},
      {"17x9 from two channels on one pixel",
       {1, 2, 1, 1},
       {.out_channels = 130, .kernel = {17, 9}, .padding = {8, 4}},
       false},
      {"11x11 from four channels",
       {2, 4, 33, 30},
       {.out_channels = 33, .kernel = {11, 11}, .stride = {3, 2}, .padding = {5, 0}, .dilation = {2, 1}}},

      // Dilation, up to rates at which only the centre tap reaches the map.
      {"dilation 2", {1, 33, 14, 14}, {.out_channels = 31, .kernel = {3, 3}, .padding = {2, 2}, .dilation = {2, 2}}},
      {"dilation 4", {1, 64, 7, 7}, {.out_channels = 16, .kernel = {3, 3}, .padding = {4, 4}, .dilation = {4, 4}}},
      {"dilation 12",
       {1, 64, 14, 14},
       {.out_channels = 17, .kernel = {3, 3}, .padding = {12, 12}, .dilation = {12, 12}}},
      {"dilation 24",
       {1, 64, 14, 14},
       {.out_channels = 32, .kernel = {3, 3}, .padding = {24, 24}, .dilation = {24, 24}}},
      {"dilation 36", {2, 31, 7, 5}, {.out_channels = 33, .kernel = {3, 3}, .padding = {36, 36}, .dilation = {36, 36}}},
      {"dilation 12 on one pixel",
       {1, 16, 1, 1},
       {.out_channels = 16, .kernel = {3, 3}, .padding = {12, 12}, .dilation = {12, 12}}},

      // Groups.
      {"groups 2 5x5", {1, 32, 13, 13}, {.out_channels = 64, .kernel = {5, 5}, .padding = {2, 2}, .groups = 2}},
      {"groups 2 1x1 odd channels", {2, 34, 7, 7}, {.out_channels = 6, .groups = 2}},
      {"groups 2 3x3 relu",
       {1, 16, 7, 7},
       {.out_channels = 16, .kernel = {3, 3}, .padding = {1, 1}, .groups = 2, .activation = relu}},
      {"one output channel a group",
       {1, 6, 7, 7},
       {.out_channels = 3, .kernel = {3, 3}, .padding = {1, 1}, .groups = 3}},
      {"two output channels a group",
       {1, 3, 7, 7},
       {.out_channels = 6, .kernel = {3, 3}, .padding = {1, 1}, .groups = 3}},

      // Depthwise: every width of the channel loop's tail.
      {"depthwise 130", {1, 130, 14, 14}, {.out_channels = 130, .kernel = {3, 3}, .padding = {1, 1}, .groups = 130}},
      {"depthwise 17 stride 2",
       {2, 17, 7, 31},
       {.out_channels = 17, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}, .groups = 17, .activation = relu}},
      {"depthwise 64 without bias",
       {1, 64, 5, 5},
       {.out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}, .groups = 64},
       false},
      {"depthwise 3 unpadded", {1, 3, 3, 5}, {.out_channels = 3, .kernel = {3, 3}, .groups = 3}},
      // Whole vectors of 3x3 pixels, which share loads three at a time: two, one and none left over, in and beside
      // padding.
      {"depthwise 48 relu",
       {2, 48, 6, 7},
       {.out_channels = 48, .kernel = {3, 3}, .padding = {1, 1}, .groups = 48, .activation = relu}},
      {"depthwise 16 padding 3 and 2",
       {1, 16, 4, 6},
       {.out_channels = 16, .kernel = {3, 3}, .padding = {3, 2}, .groups = 16}},
      {"depthwise 32 unpadded", {1, 32, 5, 5}, {.out_channels = 32, .kernel = {3, 3}, .groups = 32}},
      {"depthwise 16 narrower than its kernel",
       {1, 16, 5, 2},
       {.out_channels = 16, .kernel = {3, 3}, .padding = {1, 1}, .groups = 16}},
      {"depthwise dilation 12",
       {1, 31, 14, 14},
       {.out_channels = 31, .kernel = {3, 3}, .padding = {12, 12}, .dilation = {12, 12}, .groups = 31}},
      {"depthwise dilation 24 beyond the map",
       {1, 80, 14, 14},
       {.out_channels = 80, .kernel = {3, 3}, .padding = {24, 24}, .dilation = {24, 24}, .groups = 80}},
      {"depthwise dilation 36 stride 2",
       {1, 33, 7, 7},
       {.out_channels = 33,
        .kernel = {3, 3},
        .stride = {2, 2},
        .padding = {36, 36},
        .dilation = {36, 36},
        .groups = 33}},
      {"depthwise 5x5 on one pixel",
       {3, 2, 1, 1},
       {.out_channels = 2, .kernel = {5, 5}, .padding = {2, 2}, .groups = 2}},
      {"depthwise asymmetric",
       {1, 16, 8, 9},
       {.out_channels = 16, .kernel = {1, 5}, .stride = {2, 1}, .padding = {0, 4}, .dilation = {1, 2}, .groups = 16}},

      // Residual and activation.
      {"residual", {1, 16, 7, 7}, {.out_channels = 64, .residual = true}},
      {"residual relu", {2, 33, 7, 5}, {.out_channels = 17, .residual = true, .activation = relu}},
      {"residual relu 3x3",
       {1, 64, 14, 14},
       {.out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}, .residual = true, .activation = relu},
       false},
      {"residual groups 2",
       {1, 16, 7, 7},
       {.out_channels = 16, .kernel = {3, 3}, .padding = {1, 1}, .groups = 2, .residual = true, .activation = relu}},
      {"residual depthwise",
       {1, 17, 7, 7},
       {.out_channels = 17, .kernel = {3, 3}, .padding = {1, 1}, .groups = 17, .residual = true, .activation = relu}},
      {"relu on three images", {3, 31, 2, 2}, {.out_channels = 130, .activation = relu}},

      // ReLU6, with sums on both sides of 6.
      {"relu6 1x1", {1, 130, 7, 5}, {.out_channels = 33, .activation = relu6}},
      {"relu6 1x1 whose padding gives the bias",
       {1, 24, 7, 5},
       {.out_channels = 96, .padding = {2, 2}, .activation = relu6},
       true,
       1.75},
      {"relu6 3x3 stride 2 from three channels",
       {1, 3, 31, 33},
       {.out_channels = 32, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}, .activation = relu6},
       true,
       1.75},
      {"relu6 7x7 stem",
       {1, 3, 64, 96},
       {.out_channels = 64, .kernel = {7, 7}, .stride = {2, 2}, .padding = {3, 3}, .activation = relu6}},
      {"relu6 depthwise 48",
       {2, 48, 6, 7},
       {.out_channels = 48, .kernel = {3, 3}, .padding = {1, 1}, .groups = 48, .activation = relu6},
       true,
       1.75},
      {"relu6 depthwise 81 stride 2",
       {1, 81, 9, 7},
       {.out_channels = 81, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}, .groups = 81, .activation = relu6},
       true,
       1.75},
      {"relu6 depthwise dilation 2 unpadded",
       {1, 40, 9, 8},
       {.out_channels = 40, .kernel = {3, 3}, .dilation = {2, 2}, .groups = 40, .activation = relu6},
       false,
       1.75},
      {"relu6 residual 3x3",
       {1, 33, 7, 5},
       {.out_channels = 17, .kernel = {3, 3}, .padding = {1, 1}, .residual = true, .activation = relu6}},
  };
}

}  // namespace giemsa::test
