#include "kernels/cpu/imaging/centres.h"

#include <algorithm>
#include <limits>

#include "kernels/cpu/scratch.h"

namespace giemsa::kernels::cpu {

namespace {

constexpr std::int64_t parts_of_place = 256;  // lengths are measured in these parts of a place of the head
constexpr float parts_of_value = 65536;       // of the heatmap
constexpr float greatest_value = 16384;       // so that the parts fit 31 bits
constexpr float longest_offset = 4096;

/// Whole parts of a number between -limit and limit, rounded towards 0; NaN is 0.
std::int32_t fixed_point(float number, float parts, float limit) {
  if (number >= limit) return static_cast<std::int32_t>(limit * parts);
  if (number <= -limit) return static_cast<std::int32_t>(-limit * parts);
  return number == number ? static_cast<std::int32_t>(number * parts) : 0;
}

std::int32_t value_of(float heat) {
  return fixed_point(heat, parts_of_value, greatest_value);
}

void check_head(const CentreHead& head) {
  constexpr std::int64_t longest = 1 << 15;
  require(head.size.h >= 1 && head.size.h <= longest && head.size.w >= 1 && head.size.w <= longest,
          "a centre head's sides lie between 1 and 2^15");
}

/// The first place along a side of the head whose middle lies in a grid cell that starts at `pixel` or behind it. A
/// place i has its middle in pixel (2 i + 1) side / 2 places.
std::int64_t first_place(std::int64_t pixel, std::int64_t side, std::int64_t places) {
  return std::min((2 * places * pixel + side - 1) / side / 2, places);
}

/// Where the middle of a pixel lies, in parts of a place.
std::int64_t place_of(std::int64_t pixel, std::int64_t side, std::int64_t places) {
  return (2 * pixel + 1) * places * parts_of_place / (2 * side) - parts_of_place / 2;
}

/// Whether the value at (y, x) is the greatest around it; of equal ones the first.
bool is_greatest(const CentreHead& head, std::int64_t y, std::int64_t x, std::int32_t value, std::int64_t reach) {
  const auto [h, w] = head.size;
  for (std::int64_t to_y = std::max<std::int64_t>(y - reach, 0); to_y <= std::min(y + reach, h - 1); ++to_y)
    for (std::int64_t to_x = std::max<std::int64_t>(x - reach, 0); to_x <= std::min(x + reach, w - 1); ++to_x) {
      const std::int32_t there = value_of(head.planes[to_y * w + to_x]);
      const bool before = to_y < y || (to_y == y && to_x < x);
      if (there > value || (there == value && before)) return false;
    }
  return true;
}

struct Place {
  std::int64_t y, x;
};

/// The middle of the cell that a place belongs to, as the offsets around it say.
class Votes {
 public:
  explicit Votes(const CentreHead& head) : size_(head.size) {
    const std::int64_t plane = size_.h * size_.w;
    y_ = head.planes + plane;
    x_ = y_ + plane;
  }

  Place operator()(Place from) const {
    const Axis y(from.y, size_.h), x(from.x, size_.w);
    return {from.y + at(y_, y, x), from.x + at(x_, y, x)};
  }

 private:
  /// The two places around a coordinate, and the weight of the second.
  struct Axis {
    Axis(std::int64_t at, std::int64_t places) {
      const std::int64_t floor = at >= 0 ? at / parts_of_place : -1;
      weight = at - floor * parts_of_place;
      first = std::clamp<std::int64_t>(floor, 0, places - 1);
      second = std::clamp<std::int64_t>(floor + 1, 0, places - 1);
    }
    std::int64_t first, second, weight;
  };

  std::int64_t at(const float* plane, const Axis& y, const Axis& x) const {
    const auto offset = [&](std::int64_t row, std::int64_t column) -> std::int64_t {
      return fixed_point(plane[row * size_.w + column], static_cast<float>(parts_of_place), longest_offset);
    };
    const auto along = [&](std::int64_t row) {
      return offset(row, x.first) * (parts_of_place - x.weight) + offset(row, x.second) * x.weight;
    };
    const std::int64_t sum = along(y.first) * (parts_of_place - y.weight) + along(y.second) * y.weight;
    return sum >> 16;  // two weights' parts
  }

  Extent size_;
  const float *y_, *x_;
};

}  // namespace

void centre_peaks(std::int32_t* peaks, const std::int32_t* labels, Extent size, const CentreHead& head,
                  const CentrePeakParams& params) {
  check_head(head);
  const LabelGrid grid(labels, size, params.step);
  std::fill_n(peaks, grid.count(), 0);
  const std::int32_t least = std::max(value_of(params.least), 1);
  const auto [h, w] = head.size;
  for (std::int64_t cell_y = 0; cell_y < grid.cells.h; ++cell_y)
    for (std::int64_t y = first_place(cell_y * grid.step, size.h, h),
                      end_y = first_place((cell_y + 1) * grid.step, size.h, h);
         y < end_y; ++y)
      for (std::int64_t x = 0; x < w; ++x) {
        const std::int32_t value = value_of(head.planes[y * w + x]);
        if (value < least || !is_greatest(head, y, x, value, params.reach)) continue;
        const std::int64_t cell_x = (2 * x + 1) * size.w / (2 * w) / grid.step;
        if (grid.label(cell_y, cell_x) == 0) continue;
        std::int32_t& peak = peaks[cell_y * grid.cells.w + cell_x];
        peak = std::max(peak, value);
      }
}

std::size_t assign_centres_scratch_bytes(Extent size, const AssignParams& params) {
  const Extent cells = split_grid(size, params.step);
  return scratch_bytes_of<std::int32_t>(params.capacity + 2) + scratch_bytes_of<std::int32_t>(cells.h * cells.w);
}

void assign_centres(std::int32_t* basins, const std::int32_t* labels, const ComponentCount* regions,
                    const std::int32_t* peaks, Extent size, const CentreHead& head, const AssignParams& params,
                    std::span<std::byte> scratch) {
  check_head(head);
  const LabelGrid grid(labels, size, params.step);
  require(regions->count >= 0 && regions->count <= params.capacity, "the regions exceed the capacity of their table");
  const std::int64_t cells = grid.count(), width = grid.cells.w;
  require(cells <= std::int64_t{1} << 30, "the grid has at most 2^30 cells");
  Scratch memory(scratch);
  // The peaks of label i are centres[end[i - 1]] to centres[end[i] - 1].
  std::int32_t* end = memory.take<std::int32_t>(params.capacity + 2);
  std::int32_t* centres = memory.take<std::int32_t>(cells);
  const auto each_peak = [&](const auto& visit) {
    for (std::int64_t cell = 0; cell < cells; ++cell)
      if (peaks[cell] > 0) visit(cell, grid.label(cell / width, cell % width));
  };
  std::fill_n(end, params.capacity + 2, 0);
  each_peak([&](std::int64_t, std::int32_t label) { ++end[label + 1]; });
  for (std::int32_t label = 1; label <= regions->count + 1; ++label) end[label] += end[label - 1];
  each_peak([&](std::int64_t cell, std::int32_t label) { centres[end[label]++] = static_cast<std::int32_t>(cell); });

  const auto place = [&](std::int64_t y, std::int64_t x) {
    return Place{place_of(grid.sample_y(y), size.h, head.size.h), place_of(grid.sample_x(x), size.w, head.size.w)};
  };
  const Votes votes(head);
  for (std::int64_t y = 0; y < grid.cells.h; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int64_t cell = y * width + x;
      const std::int32_t label = grid.label(y, x);
      basins[cell] = 0;
      if (label == 0) continue;
      const std::int64_t begin = end[label - 1], count = end[label] - begin;
      if (count < 2 || count > params.most) continue;
      if (peaks[cell] > 0) {
        basins[cell] = static_cast<std::int32_t>(1 + cell);
        continue;
      }
      const Place middle = votes(place(y, x));
      std::int64_t nearest = std::numeric_limits<std::int64_t>::max();
      for (std::int64_t i = begin; i < begin + count; ++i) {
        const Place to = place(centres[i] / width, centres[i] % width);
        const std::int64_t by = to.y - middle.y, bx = to.x - middle.x, far = by * by + bx * bx;
        if (far >= nearest) continue;
        nearest = far;
        basins[cell] = 1 + centres[i];
      }
    }
}

}  // namespace giemsa::kernels::cpu
