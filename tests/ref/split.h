// Touching cells, parted by the definitions in engine/ops/split.h: every distance by trying all cells, basins by walking
// up from each cell, basins merged one saddle after the other from the highest.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <tuple>
#include <vector>

#include "engine/ops/split.h"
#include "tests/ref/components.h"

namespace giemsa::ref {

/// A label image seen through a grid.
struct LabelGrid {
  const LabelPixels& labels;
  Size2 size;
  std::int64_t step, h, w;

  LabelGrid(const LabelPixels& pixels, Size2 of, std::int64_t s)
      : labels(pixels), size(of), step(s), h((of.h + s - 1) / s), w((of.w + s - 1) / s) {}
  std::int64_t sample_y(std::int64_t y) const { return std::min(y * step + step / 2, size.h - 1); }
  std::int64_t sample_x(std::int64_t x) const { return std::min(x * step + step / 2, size.w - 1); }
  /// 0 beyond the edge.
  std::int32_t at(std::int64_t y, std::int64_t x) const {
    if (y < 0 || y >= h || x < 0 || x >= w) return 0;
    return labels[static_cast<std::size_t>(sample_y(y) * size.w + sample_x(x))];
  }
  std::size_t cell(std::int64_t y, std::int64_t x) const { return static_cast<std::size_t>(y * w + x); }
};

inline LabelPixels distance_transform(const LabelPixels& labels, Size2 size, std::int64_t step) {
  const LabelGrid grid(labels, size, step);
  LabelPixels out(static_cast<std::size_t>(grid.h * grid.w));
  for (std::int64_t y = 0; y < grid.h; ++y)
    for (std::int64_t x = 0; x < grid.w; ++x) {
      const std::int32_t own = grid.at(y, x);
      if (own == 0) continue;
      std::int64_t best = std::numeric_limits<std::int64_t>::max();
      for (std::int64_t to_y = -1; to_y <= grid.h; ++to_y)
        for (std::int64_t to_x = -1; to_x <= grid.w; ++to_x)
          if (grid.at(to_y, to_x) != own)
            best = std::min(best, (to_y - y) * (to_y - y) + (to_x - x) * (to_x - x));
      out[grid.cell(y, x)] = static_cast<std::int32_t>(best);
    }
  return out;
}

inline LabelPixels basins(const LabelPixels& labels, Size2 size, std::int64_t step, const LabelPixels& distances) {
  const LabelGrid grid(labels, size, step);
  LabelPixels out(distances.size());
  for (std::int64_t start = 0; start < grid.h * grid.w; ++start) {
    if (distances[static_cast<std::size_t>(start)] == 0) continue;
    std::int64_t cell = start, before = -1;
    while (cell != before) {
      before = cell;
      const std::int64_t y = cell / grid.w, x = cell % grid.w;
      for (std::int64_t dy = -1; dy <= 1; ++dy)
        for (std::int64_t dx = -1; dx <= 1; ++dx) {
          if (grid.at(y + dy, x + dx) != grid.at(y, x)) continue;
          const std::int64_t to = (y + dy) * grid.w + x + dx;
          const auto rank = [&](std::int64_t c) { return std::pair(distances[static_cast<std::size_t>(c)], -c); };
          if (rank(to) > rank(cell)) cell = to;
        }
    }
    out[static_cast<std::size_t>(start)] = static_cast<std::int32_t>(1 + cell);
  }
  return out;
}

/// The parts of one component, each named by a summit in it.
class Parts {
 public:
  Parts(const LabelGrid& grid, std::int32_t label, const LabelPixels& distances, const LabelPixels& basins)
      : grid_(grid), label_(label), distances_(distances), basins_(basins) {
    for (std::int64_t y = 0; y < grid.h; ++y)
      for (std::int64_t x = 0; x < grid.w; ++x) {
        if (grid.at(y, x) != label) continue;
        const std::int32_t own = basin(y, x);
        if (own == 0) continue;  // then the whole component is in no basin
        part_[own] = own;
        const std::int64_t neighbours[4][2] = {{0, 1}, {1, -1}, {1, 0}, {1, 1}};
        for (std::int64_t k = 0; k < 4; ++k) {
          const std::int64_t to_y = y + neighbours[k][0], to_x = x + neighbours[k][1];
          if (grid.at(to_y, to_x) != label || basin(to_y, to_x) == own) continue;
          const std::int32_t height = std::min(distance(y, x), distance(to_y, to_x));
          saddles_.push_back({-height, (y * grid.w + x) * 4 + k, own, basin(to_y, to_x)});
        }
      }
    std::ranges::sort(saddles_);
  }

  void merge(const MergeBasins& op) {
    if (part_.empty()) return;
    const std::int64_t least = op.least_peak * op.least_peak;
    for (const auto& [negative, index, one, other] : saddles_) {
      const std::int64_t lower = std::min(peak(part_[one]), peak(part_[other])), saddle = -negative;
      const double depth = static_cast<double>(op.depth) / 100;
      const bool parted = lower > least && exceeds(lower, saddle, depth);
      if (!parted) join(part_[one], part_[other]);
    }
    const std::int32_t main = part_[highest()];
    for (const auto& [summit, part] : std::map(part_))
      if (part_[summit] != main && peak(part_[summit]) <= least) join(part_[summit], main);

    while (names().size() > 1) {
      std::vector<std::pair<std::int32_t, std::int32_t>> joins;
      const auto areas = measure();
      for (const std::int32_t name : names()) {
        if (areas.at(name) >= op.min_area) continue;
        for (const auto& [negative, index, one, other] : saddles_) {
          const std::int32_t a = part_[one], b = part_[other];
          if (a == b || (a != name && b != name)) continue;
          joins.emplace_back(one, other);
          break;
        }
      }
      if (joins.empty()) break;
      for (const auto& [one, other] : joins) join(part_[one], part_[other]);
    }
    const auto areas = measure();
    const auto order = [&](std::int32_t a, std::int32_t b) {
      return std::pair(areas.at(a), -root(a)) < std::pair(areas.at(b), -root(b));
    };
    const std::vector<std::int32_t> left = names();
    const std::int32_t largest = *std::ranges::max_element(left, order);
    for (const std::int32_t name : left)
      if (name != largest && areas.at(name) < op.min_area) join(name, part_[largest]);
  }

  /// The part of a pixel of the component; 0 where no cell of the grid is of the component, or none is in a basin.
  std::int32_t of_pixel(std::int64_t y, std::int64_t x) const {
    if (part_.empty()) return 0;
    for (std::int64_t ring = 0; ring <= 4; ++ring) {
      std::tuple<std::int64_t, std::int64_t, std::int64_t> nearest{std::numeric_limits<std::int64_t>::max(), 0, 0};
      for (std::int64_t to_y = y / grid_.step - ring; to_y <= y / grid_.step + ring; ++to_y)
        for (std::int64_t to_x = x / grid_.step - ring; to_x <= x / grid_.step + ring; ++to_x) {
          if (grid_.at(to_y, to_x) != label_) continue;
          const std::int64_t by = grid_.sample_y(to_y) - y, bx = grid_.sample_x(to_x) - x;
          nearest = std::min(nearest, {by * by + bx * bx, to_y, to_x});
        }
      const auto& [far, to_y, to_x] = nearest;
      if (far != std::numeric_limits<std::int64_t>::max()) return part_.at(basin(to_y, to_x));
    }
    return part_.at(highest());
  }

 private:
  std::int32_t basin(std::int64_t y, std::int64_t x) const { return basins_[grid_.cell(y, x)]; }
  std::int32_t distance(std::int64_t y, std::int64_t x) const { return distances_[grid_.cell(y, x)]; }

  /// sqrt(peak) - sqrt(saddle) >= depth * sqrt(peak), exactly.
  static bool exceeds(std::int64_t peak, std::int64_t saddle, double depth) {
    const auto kept = static_cast<std::int64_t>(100 - 100 * depth + 0.5);
    return 100 * 100 * saddle <= kept * kept * peak;
  }

  std::int64_t peak(std::int32_t name) const {
    std::int64_t result = 0;
    for (const auto& [summit, part] : part_)
      if (part == name) result = std::max<std::int64_t>(result, distances_[static_cast<std::size_t>(summit - 1)]);
    return result;
  }
  std::int32_t highest() const {
    const auto rank = [&](const auto& entry) {
      return std::pair(distances_[static_cast<std::size_t>(entry.first - 1)], -entry.first);
    };
    return std::ranges::max_element(part_, {}, rank)->first;
  }
  /// The first summit of a part.
  std::int32_t root(std::int32_t name) const {
    return std::ranges::find_if(part_, [&](const auto& entry) { return entry.second == name; })->first;
  }
  std::vector<std::int32_t> names() const {
    std::vector<std::int32_t> all;
    for (const auto& [summit, part] : part_) all.push_back(part);
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    return all;
  }
  void join(std::int32_t name, std::int32_t other) {
    for (auto& [summit, part] : part_)
      if (part == name) part = other;
  }
  std::map<std::int32_t, std::int64_t> measure() const {
    std::map<std::int32_t, std::int64_t> areas;
    for (const std::int32_t name : names()) areas[name] = 0;
    for (std::int64_t y = 0; y < grid_.size.h; ++y)
      for (std::int64_t x = 0; x < grid_.size.w; ++x)
        if (grid_.labels[static_cast<std::size_t>(y * grid_.size.w + x)] == label_) ++areas[of_pixel(y, x)];
    return areas;
  }

  const LabelGrid& grid_;
  std::int32_t label_;
  const LabelPixels &distances_, &basins_;
  std::map<std::int32_t, std::int32_t> part_;  ///< of each summit
  std::vector<std::tuple<std::int32_t, std::int64_t, std::int32_t, std::int32_t>> saddles_;  ///< highest first
};

/// The labels of the parts; returns how many there are.
inline std::int32_t merge_basins(const LabelPixels& labels, Size2 size, const MergeBasins& op,
                                 const LabelPixels& distances, const LabelPixels& basins, LabelPixels& out) {
  const LabelGrid grid(labels, size, op.step);
  const std::int32_t count = *std::ranges::max_element(labels);
  std::vector<Parts> parts;
  parts.reserve(static_cast<std::size_t>(count));
  for (std::int32_t label = 1; label <= count; ++label) parts.emplace_back(grid, label, distances, basins).merge(op);
  std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> numbers;
  out.assign(labels.size(), 0);
  for (std::int64_t i = 0; i < size.h * size.w; ++i) {
    const std::int32_t label = labels[static_cast<std::size_t>(i)];
    if (label == 0) continue;
    const std::int32_t part = parts[static_cast<std::size_t>(label - 1)].of_pixel(i / size.w, i % size.w);
    const auto next = static_cast<std::int32_t>(numbers.size() + 1);
    out[static_cast<std::size_t>(i)] = numbers.try_emplace({label, part}, next).first->second;
  }
  return static_cast<std::int32_t>(numbers.size());
}

}  // namespace giemsa::ref
