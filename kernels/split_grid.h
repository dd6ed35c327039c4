// The grid on which touching cells are parted: a cell for every `step` x `step` pixels of a label image, with the label
// of the pixel in their middle, its sample.
#pragma once

#include "kernels/nhwc.h"
#include "kernels/types.h"

namespace giemsa::kernels {

struct SplitGrid {
  Extent image = {};  ///< at most 2^30 pixels
  int step = 0;
  Extent size = {};  ///< in cells

  /// The grid of an image; an invalid one where `step` is not positive.
  static constexpr SplitGrid of(Extent image, int step) {
    if (step < 1) return {image, step, {}};
    return {image, step, {ceil_div(image.h, step), ceil_div(image.w, step)}};
  }

  constexpr int h() const { return size.h; }
  constexpr int w() const { return size.w; }
  constexpr int cells() const { return size.h * size.w; }
  constexpr int pixels() const { return image.h * image.w; }
  constexpr int sample_y(int y) const { return min(y * step + step / 2, image.h - 1); }
  constexpr int sample_x(int x) const { return min(x * step + step / 2, image.w - 1); }
  constexpr bool contains(int y, int x) const { return y >= 0 && y < h() && x >= 0 && x < w(); }
  constexpr std::int32_t label(const std::int32_t* labels, int y, int x) const {
    return labels[sample_y(y) * image.w + sample_x(x)];
  }
};

/// Whether image and grid have the sizes that every kernel on them can index.
constexpr bool is_valid(const SplitGrid& grid) {
  return grid.image.h > 0 && grid.image.w > 0 && grid.step >= 1 && grid.step <= 64 &&
         std::int64_t{grid.image.h} * grid.image.w <= std::int64_t{1} << 30 && grid.w() <= 32766;
}

}  // namespace giemsa::kernels
