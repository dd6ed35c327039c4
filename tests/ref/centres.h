// Touching cells, told apart by a centre head, by the definitions in engine/ops/centres.h: each place of the head in
// turn, each cell of the grid against all peaks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "engine/ops/centres.h"
#include "tests/ref/split.h"

namespace giemsa::ref {

/// A centre head's planes: heatmap, y offset, x offset.
struct CentreHead {
  Size2 size;
  std::vector<float> values;

  double at(std::int64_t plane, std::int64_t y, std::int64_t x) const {
    return values[static_cast<std::size_t>((plane * size.h + y) * size.w + x)];
  }
};

/// Towards 0, in parts of 1; NaN is 0.
inline std::int64_t whole_parts(double value, double parts, double limit) {
  return std::isnan(value) ? 0 : static_cast<std::int64_t>(std::trunc(std::clamp(value, -limit, limit) * parts));
}

inline LabelPixels centre_peaks(const LabelPixels& labels, Size2 size, const CentreHead& head, const CentrePeaks& op) {
  const LabelGrid grid(labels, size, op.step);
  LabelPixels peaks(static_cast<std::size_t>(grid.h * grid.w));
  const auto value = [&](std::int64_t y, std::int64_t x) { return whole_parts(head.at(0, y, x), 65536, 16384); };
  for (std::int64_t y = 0; y < head.size.h; ++y)
    for (std::int64_t x = 0; x < head.size.w; ++x) {
      bool greatest = value(y, x) > 0 && value(y, x) >= whole_parts(op.least, 65536, 16384);
      for (std::int64_t to_y = 0; to_y < head.size.h && greatest; ++to_y)
        for (std::int64_t to_x = 0; to_x < head.size.w; ++to_x) {
          if (std::abs(to_y - y) > op.reach || std::abs(to_x - x) > op.reach) continue;
          const auto rank = [&](std::int64_t row, std::int64_t column) {
            return std::pair(value(row, column), -(row * head.size.w + column));
          };
          greatest = greatest && rank(to_y, to_x) <= rank(y, x);
        }
      if (!greatest) continue;
      const std::int64_t cell_y = (2 * y + 1) * size.h / (2 * head.size.h) / op.step;
      const std::int64_t cell_x = (2 * x + 1) * size.w / (2 * head.size.w) / op.step;
      if (grid.at(cell_y, cell_x) == 0) continue;
      std::int32_t& peak = peaks[grid.cell(cell_y, cell_x)];
      peak = std::max(peak, static_cast<std::int32_t>(value(y, x)));
    }
  return peaks;
}

/// Where the middle of pixel `at` of `pixels` lies along a side of the head, in 256ths of a place.
inline std::int64_t place_of(std::int64_t at, std::int64_t pixels, std::int64_t places) {
  const std::int64_t numerator = 256 * ((2 * at + 1) * places - pixels), denominator = 2 * pixels;
  return numerator >= 0 ? numerator / denominator : -((-numerator + denominator - 1) / denominator);
}

/// The offset `plane` at a place in 256ths, interpolated.
inline std::int64_t offset_at(const CentreHead& head, std::int64_t plane, std::int64_t y, std::int64_t x) {
  const auto below = [](std::int64_t at) {
    return static_cast<std::int64_t>(std::floor(static_cast<double>(at) / 256));
  };
  std::int64_t sum = 0;
  for (const std::int64_t down : {0, 1})
    for (const std::int64_t right : {0, 1}) {
      const std::int64_t row = below(y) + down, column = below(x) + right;
      const std::int64_t weight = (256 - std::abs(256 * row - y)) * (256 - std::abs(256 * column - x));
      const double value = head.at(plane, std::clamp<std::int64_t>(row, 0, head.size.h - 1),
                                   std::clamp<std::int64_t>(column, 0, head.size.w - 1));
      sum += weight * whole_parts(value, 256, 4096);
    }
  return static_cast<std::int64_t>(std::floor(static_cast<double>(sum) / 65536));
}

inline LabelPixels assign_centres(const LabelPixels& labels, Size2 size, const LabelPixels& peaks,
                                  const CentreHead& head, std::int64_t step) {
  const LabelGrid grid(labels, size, step);
  LabelPixels out(peaks.size());
  const auto place = [&](std::int64_t cell) {
    return std::pair(place_of(grid.sample_y(cell / grid.w), size.h, head.size.h),
                     place_of(grid.sample_x(cell % grid.w), size.w, head.size.w));
  };
  const auto label = [&](std::int64_t cell) { return grid.at(cell / grid.w, cell % grid.w); };
  std::map<std::int32_t, std::vector<std::int64_t>> centres;
  for (std::int64_t cell = 0; cell < grid.h * grid.w; ++cell)
    if (peaks[static_cast<std::size_t>(cell)] > 0) centres[label(cell)].push_back(cell);
  for (std::int64_t cell = 0; cell < grid.h * grid.w; ++cell) {
    const std::vector<std::int64_t>& own = centres[label(cell)];
    if (label(cell) == 0 || own.size() < 2 || own.size() > AssignCentres::most) continue;
    const auto [y, x] = place(cell);
    const std::int64_t middle_y = y + offset_at(head, 1, y, x), middle_x = x + offset_at(head, 2, y, x);
    const auto far = [&](std::int64_t centre) {
      const auto [to_y, to_x] = place(centre);
      return (to_y - middle_y) * (to_y - middle_y) + (to_x - middle_x) * (to_x - middle_x);
    };
    const std::int64_t nearest =
        peaks[static_cast<std::size_t>(cell)] > 0 ? cell : *std::ranges::min_element(own, {}, far);
    out[static_cast<std::size_t>(cell)] = static_cast<std::int32_t>(1 + nearest);
  }
  return out;
}

}  // namespace giemsa::ref
