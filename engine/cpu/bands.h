// A convolution cut into bands of output rows, each a convolution by itself, so that threads share a layer.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/ops/conv2d.h"

namespace giemsa::cpu {

/// Bands of one shape differ only in where they begin.
struct BandShape {
  std::int64_t images, rows, in_rows;
  std::int64_t padding_above, padding_below;

  bool operator==(const BandShape&) const = default;
};

/// Rows [row, row + shape.rows) of the outputs of `shape.images` images from `image` on, which read the input's rows
/// [in_row, in_row + shape.in_rows) and padding. A band of several images has all of their rows.
struct Band {
  BandShape shape;
  std::int64_t image, row, in_row;
};

/// The outputs of a convolution of `op`, `in` -> `out` (NCHW), in bands for `threads` threads: several for each thread,
/// since cores are unequally fast, yet none so small that fetching the weights costs more than what it computes.
std::vector<Band> bands_of(const Conv2d& op, const Shape& in, const Shape& out, int threads);

}  // namespace giemsa::cpu
