// Add, Relu, Flatten, Softmax and Concat: the cases that every backend is held to.
#pragma once

#include <string>
#include <vector>

#include "engine/base/tensor.h"
#include "engine/ops/add.h"

namespace giemsa::test {

struct ShapeCase {
  std::string name;
  Shape input;
};

/// For Add (both inputs), Relu and Flatten.
inline std::vector<ShapeCase> picture_cases() {
  return {
      {"one value", {1, 1, 1, 1}},   {"one channel", {1, 1, 31, 33}},        {"one pixel", {2, 130, 1, 1}},
      {"odd", {3, 17, 7, 5}},        {"AlexNet's features", {1, 256, 6, 6}}, {"one row", {1, 33, 1, 31}},
      {"two planes", {2, 2, 5, 37}},
  };
}

/// For Softmax.
inline std::vector<ShapeCase> row_cases() {
  return {{"one class", {1, 1}}, {"two classes", {7, 2}}, {"five classes", {31, 5}}, {"a thousand classes", {2, 1000}}};
}

struct ConcatCase {
  std::string name;
  std::vector<Shape> inputs;
};

inline std::vector<ConcatCase> concat_cases() {
  return {
      {"one input", {{1, 3, 7, 5}}},
      {"decoder", {{1, 48, 14, 14}, {1, 256, 14, 14}}},
      {"odd channels", {{2, 1, 31, 33}, {2, 17, 31, 33}, {2, 3, 31, 33}}},
      {"five branches", {{3, 33, 1, 1}, {3, 1, 1, 1}, {3, 64, 1, 1}, {3, 31, 1, 1}, {3, 16, 1, 1}}},
  };
}

}  // namespace giemsa::test
