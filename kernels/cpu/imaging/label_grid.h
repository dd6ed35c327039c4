// The grid on which touching cells are parted: a cell for every `step` x `step` pixels of a label image, with the label
// of the pixel in their middle, its sample.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "kernels/cpu/nhwc.h"
#include "kernels/cpu/require.h"

namespace giemsa::kernels::cpu {

inline Extent split_grid(Extent size, std::int64_t step) {
  return {(size.h + step - 1) / step, (size.w + step - 1) / step};
}

/// Where the grid's cells lie in an image of labels.
struct LabelGrid {
  const std::int32_t* labels;
  Extent size, cells;
  std::int64_t step;

  LabelGrid(const std::int32_t* labels_of, Extent size_of, std::int64_t step_of)
      : labels(labels_of), size(size_of), cells(split_grid(size_of, step_of)), step(step_of) {
    require(size.h > 0 && size.w > 0 && size.h < std::numeric_limits<std::int32_t>::max() / size.w,
            "touching cells are parted in images of 1 to 2^31 pixels");
  }

  std::int64_t count() const { return cells.h * cells.w; }
  std::int64_t sample_y(std::int64_t y) const { return std::min(y * step + step / 2, size.h - 1); }
  std::int64_t sample_x(std::int64_t x) const { return std::min(x * step + step / 2, size.w - 1); }
  std::int32_t label(std::int64_t y, std::int64_t x) const { return labels[sample_y(y) * size.w + sample_x(x)]; }
  bool contains(std::int64_t y, std::int64_t x) const { return y >= 0 && y < cells.h && x >= 0 && x < cells.w; }
};

}  // namespace giemsa::kernels::cpu
