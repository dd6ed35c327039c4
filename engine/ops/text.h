// Pieces of the text that shows an op's parameters to people.
#pragma once

#include "engine/ops/types.h"

namespace giemsa {

inline std::string size_text(Size2 size) {
  return cat(size.h, 'x', size.w);
}

/// "3x3/2 p1"
inline std::string window_text(Size2 kernel, Size2 stride, Size2 padding) {
  std::string text = size_text(kernel);
  if (stride != Size2{1, 1}) text += '/' + (stride.h == stride.w ? std::to_string(stride.h) : size_text(stride));
  if (padding != Size2{0, 0}) text += " p" + (padding.h == padding.w ? std::to_string(padding.h) : size_text(padding));
  return text;
}

inline std::string activation_text(Activation activation) {
  return activation == Activation::none ? "" : activation == Activation::relu ? " relu" : " relu6";
}

}  // namespace giemsa
