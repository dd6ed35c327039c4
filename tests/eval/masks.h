// Masks drawn as text.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <string_view>

#include "engine/base/frame.h"

namespace giemsa::test {

/// '#' is a cell's pixel; all rows have one length.
inline Mask mask_of(std::initializer_list<std::string_view> rows) {
  Mask mask(static_cast<int>(rows.begin()->size()), static_cast<int>(rows.size()));
  int y = 0;
  for (const std::string_view row : rows) {
    REQUIRE(static_cast<int>(row.size()) == mask.width);
    for (int x = 0; x < mask.width; ++x) mask.at(x, y) = row[static_cast<std::size_t>(x)] == '#';
    ++y;
  }
  return mask;
}

/// Pixels x .. x+w-1, y .. y+h-1 of a mask of that size are a cell's.
inline Mask rectangle(int width, int height, int x, int y, int w, int h) {
  Mask mask(width, height);
  for (int row = y; row < y + h; ++row)
    for (int column = x; column < x + w; ++column) mask.at(column, row) = 1;
  return mask;
}

}  // namespace giemsa::test
