#include "kernels/cpu/imaging/split.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/cpu/imaging/label_grid.h"
#include "kernels/cpu/scratch.h"

namespace giemsa::kernels::cpu {

namespace {

/// The distances of one row's run of one label, columns [begin, end), by the lower envelope of the parabolas that stand
/// on its cells and on the two cells beside it. `vertical`: each column's distance to another label.
class RunEnvelope {
 public:
  RunEnvelope(std::int64_t* site, std::int64_t* from) : site_(site), from_(from) {}

  void run(const std::int32_t* vertical, std::int64_t begin, std::int64_t end, std::int32_t* distances) {
    const auto height = [&](std::int64_t x) -> std::int64_t { return x < begin || x >= end ? 0 : vertical[x]; };
    const auto at = [&](std::int64_t x, std::int64_t site) {
      return (x - site) * (x - site) + height(site) * height(site);
    };
    std::int64_t top = 0;
    site_[0] = from_[0] = begin - 1;
    for (std::int64_t x = begin; x <= end; ++x) {
      while (top >= 0 && at(from_[top], site_[top]) > at(from_[top], x)) --top;
      if (top < 0) {
        top = 0;
        site_[0] = x;
        from_[0] = begin - 1;
        continue;
      }
      const std::int64_t s = site_[top];
      // The last column where the parabola on `s` is no higher than the one on `x`. Counted from the first column, none
      // is negative, so that the division rounds down.
      const std::int64_t first = begin - 1;
      const std::int64_t meet =
          first + ((x - s) * (x + s - 2 * first) + height(x) * height(x) - height(s) * height(s)) / (2 * (x - s));
      if (meet + 1 > end) continue;
      site_[++top] = x;
      from_[top] = meet + 1;
    }
    for (std::int64_t x = end; x >= begin - 1; --x) {
      if (x >= begin && x < end) distances[x] = static_cast<std::int32_t>(at(x, site_[top]));
      if (x == from_[top]) --top;
    }
  }

 private:
  std::int64_t *site_, *from_;  // of each parabola of the envelope: where it stands, where its stretch begins
};

constexpr int forward_neighbours = 4;  // the other four of the 8 are a neighbour's forward ones
constexpr std::int64_t neighbour_dy[forward_neighbours] = {0, 1, 1, 1},
                       neighbour_dx[forward_neighbours] = {1, -1, 0, 1};

/// A saddle between two basins as a number that orders saddles: the higher, of equal ones the earlier. 0: none.
using Saddle = std::uint64_t;
Saddle saddle_of(std::int32_t height, std::int64_t cell, int neighbour) {
  const auto index = static_cast<std::uint32_t>(cell * forward_neighbours + neighbour);
  return static_cast<Saddle>(height) << 32 | (0xffffffffu - index);
}
std::int64_t height_of(Saddle saddle) {
  return static_cast<std::int64_t>(saddle >> 32);
}
std::int64_t index_of(Saddle saddle) {
  return static_cast<std::int64_t>(0xffffffffu - static_cast<std::uint32_t>(saddle));
}

/// Basins, and the parts that they become: a forest over the cells that are summits, whose roots stand for parts.
class Merger {
 public:
  Merger(const LabelGrid& grid, const std::int32_t* distances, const std::int32_t* basins,
         const ComponentCount* regions, const SplitParams& params, std::span<std::byte> scratch)
      : grid_(grid),
        distances_(distances),
        basins_(basins),
        records_(reinterpret_cast<const ComponentRecord*>(regions + 1)),
        count_(regions->count),
        params_(params) {
    require(count_ >= 0 && count_ <= params.capacity, "the regions exceed the capacity of their table");
    const std::int64_t cells = grid.count();
    require(cells <= std::int64_t{1} << 30, "the grid has at most 2^30 cells");
    Scratch memory(scratch);
    parent_ = memory.take<std::int32_t>(cells);
    hook_ = memory.take<std::int32_t>(cells);
    peak_ = memory.take<std::int32_t>(cells);
    area_ = memory.take<std::int32_t>(cells);
    best_ = memory.take<Saddle>(cells);
    roots_ = memory.take<std::int32_t>(cells);
    summits_ = memory.take<std::int32_t>(cells);
    borders_ = memory.take<std::int32_t>(cells);
    number_ = memory.take<std::int32_t>(cells);
    summit_ = memory.take<std::int32_t>(params.capacity + 1);
    parts_ = memory.take<std::int32_t>(params.capacity + 1);
    largest_ = memory.take<std::int32_t>(params.capacity + 1);
    label_number_ = memory.take<std::int32_t>(params.capacity + 1);
  }

  static std::size_t bytes(std::int64_t cells, std::int64_t capacity) {
    return 8 * scratch_bytes_of<std::int32_t>(cells) + scratch_bytes_of<Saddle>(cells) +
           4 * scratch_bytes_of<std::int32_t>(capacity + 1);
  }

  /// Merges basins; whether any component has several parts.
  bool merge() {
    if (!find_summits()) return false;
    const std::int64_t keep = (100 - params_.depth) * (100 - params_.depth);  // of 100 * 100, as heights are squares
    const std::int64_t least = params_.least_peak * params_.least_peak;
    in_rounds(
        [&](std::int32_t root) { return peak_[root] <= least || 10000 * height_of(best_[root]) > keep * peak_[root]; });
    join_left_over(summit_, [&](std::int32_t root) { return peak_[root] <= least; });
    if (!count_parts()) return false;
    measure_parts();
    in_rounds([&](std::int32_t root) { return too_small(root); });
    find_largest();
    join_left_over(largest_, [&](std::int32_t root) { return too_small(root); });
    return count_parts();
  }

  /// The labels of the parts. Returns how many there are.
  std::int32_t write(std::int32_t* parts) {
    for (std::int64_t i = 0; i < summit_count_; ++i) number_[summits_[i]] = 0;
    std::fill_n(label_number_, count_ + 1, 0);
    std::int32_t count = 0;
    const auto named = [&](std::int32_t& number) { return number != 0 ? number : number = ++count; };
    const std::int64_t width = grid_.size.w;
    for (std::int64_t y = 0; y < grid_.size.h; ++y) {
      const std::int32_t* row = grid_.labels + y * width;
      for (std::int64_t begin = 0, end = 0; begin < width; begin = end) {
        const std::int32_t label = row[begin];
        while (end < width && row[end] == label) ++end;
        std::int32_t* to = parts + y * width;
        if (label == 0)
          std::fill(to + begin, to + end, 0);
        else if (parts_[label] < 2)
          std::fill(to + begin, to + end, named(label_number_[label]));
        else
          each_stretch(label, y, begin, end, [&](std::int32_t root, std::int64_t from, std::int64_t until) {
            std::fill(to + from, to + until, named(number_[root]));
          });
      }
    }
    return count;
  }

 private:
  bool is_root(std::int32_t cell) const { return parent_[cell] == cell; }
  /// Roots of components of one part are as large as the component, which is large enough.
  bool too_small(std::int32_t root) const { return area_[root] < params_.min_area; }
  std::int32_t root_of_cell(std::int64_t cell) const { return parent_[basins_[cell] - 1]; }
  std::int32_t label_of_cell(std::int64_t cell) const {
    return grid_.label(cell / grid_.cells.w, cell % grid_.cells.w);
  }

  /// Every summit as a part, each component's highest, and the cells beside another basin. Whether any component has
  /// several summits.
  bool find_summits() {
    std::fill_n(summit_, count_ + 1, -1);
    summit_count_ = border_count_ = 0;
    bool several = false;
    const std::int64_t width = grid_.cells.w;
    for (std::int64_t y = 0; y < grid_.cells.h; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        const auto cell = static_cast<std::int32_t>(y * width + x);
        if (basins_[cell] == 0) continue;
        if (basins_[cell] == cell + 1) {
          parent_[cell] = cell;
          peak_[cell] = distances_[cell];
          area_[cell] = std::numeric_limits<std::int32_t>::max();
          summits_[summit_count_++] = cell;
          std::int32_t& highest = summit_[grid_.label(y, x)];
          several = several || highest >= 0;
          if (highest < 0 || peak_[cell] > peak_[highest]) highest = cell;
        }
        bool beside = false;
        for (int k = 0; k < forward_neighbours && !beside; ++k)
          beside = other_basin(y, x, k) && grid_.label(y, x) == grid_.label(y + neighbour_dy[k], x + neighbour_dx[k]);
        if (beside) borders_[border_count_++] = cell;
      }
    std::copy_n(summits_, summit_count_, roots_);
    root_count_ = summit_count_;
    return several;
  }

  bool other_basin(std::int64_t y, std::int64_t x, int k) const {
    const std::int64_t to_y = y + neighbour_dy[k], to_x = x + neighbour_dx[k];
    if (!grid_.contains(to_y, to_x)) return false;
    const std::int32_t own = basins_[y * grid_.cells.w + x], other = basins_[to_y * grid_.cells.w + to_x];
    return other != 0 && other != own;
  }

  std::int64_t neighbour_cell(std::int64_t cell, int k) const {
    return cell + neighbour_dy[k] * grid_.cells.w + neighbour_dx[k];
  }

  /// Joins, round after round, each part that is `active` with its neighbour across its highest saddle.
  template <class Active>
  void in_rounds(const Active& active) {
    while (true) {
      for (std::int64_t i = 0; i < root_count_; ++i) best_[roots_[i]] = 0;
      find_best_saddles();
      bool any = false;
      for (std::int64_t i = 0; i < root_count_; ++i) {
        const std::int32_t root = hook_[roots_[i]] = roots_[i];
        if (best_[root] == 0 || !active(root)) continue;
        const std::int64_t index = index_of(best_[root]), cell = index / forward_neighbours;
        const std::int32_t one = root_of_cell(cell),
                           other = root_of_cell(neighbour_cell(cell, static_cast<int>(index % forward_neighbours)));
        hook_[root] = one == root ? other : one;
        any = true;
      }
      if (!any) return;
      // Saddles are ordered without ties, so that only two parts which chose each other's can form a circle.
      for (std::int64_t i = 0; i < root_count_; ++i) {
        const std::int32_t root = roots_[i];
        parent_[root] = hook_[hook_[root]] == root ? std::min(root, hook_[root]) : hook_[root];
      }
      gather();
    }
  }

  void find_best_saddles() {
    std::int64_t kept = 0;
    const std::int64_t width = grid_.cells.w;
    for (std::int64_t i = 0; i < border_count_; ++i) {
      const std::int32_t cell = borders_[i];
      const std::int64_t y = cell / width, x = cell % width;
      const std::int32_t root = root_of_cell(cell);
      bool beside = false;
      for (int k = 0; k < forward_neighbours; ++k) {
        if (!other_basin(y, x, k)) continue;
        const std::int64_t to = neighbour_cell(cell, k);
        const std::int32_t other = root_of_cell(to);
        if (other == root || label_of_cell(to) != label_of_cell(cell)) continue;
        beside = true;
        const Saddle saddle = saddle_of(std::min(distances_[cell], distances_[to]), cell, k);
        best_[root] = std::max(best_[root], saddle);
        best_[other] = std::max(best_[other], saddle);
      }
      if (beside) borders_[kept++] = cell;
    }
    border_count_ = kept;
  }

  /// Points every summit at its root, and gives roots what they took in.
  void gather() {
    for (std::int64_t i = 0; i < summit_count_; ++i) {
      const std::int32_t summit = summits_[i];
      std::int32_t root = parent_[summit];
      while (parent_[root] != root) root = parent_[root];
      parent_[summit] = root;
    }
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < root_count_; ++i) {
      const std::int32_t former = roots_[i], root = parent_[former];
      if (root == former) {
        roots_[kept++] = former;
        continue;
      }
      peak_[root] = std::max(peak_[root], peak_[former]);
      area_[root] = static_cast<std::int32_t>(
          std::min<std::int64_t>(std::int64_t{area_[root]} + area_[former], std::numeric_limits<std::int32_t>::max()));
    }
    root_count_ = kept;
  }

  /// Joins the parts that should have been joined, but touch none, with the part of their component's `main`.
  template <class LeftOver>
  void join_left_over(const std::int32_t* main, const LeftOver& left_over) {
    for (std::int64_t i = 0; i < root_count_; ++i) {
      const std::int32_t root = roots_[i];
      hook_[root] = left_over(root) ? parent_[main[label_of_cell(root)]] : root;
    }
    for (std::int64_t i = 0; i < root_count_; ++i) parent_[roots_[i]] = hook_[roots_[i]];
    gather();
  }

  bool count_parts() {
    std::fill_n(parts_, count_ + 1, 0);
    bool several = false;
    for (std::int64_t i = 0; i < root_count_; ++i) several = ++parts_[label_of_cell(roots_[i])] > 1 || several;
    return several;
  }

  void measure_parts() {
    for (std::int64_t i = 0; i < root_count_; ++i)
      if (parts_[label_of_cell(roots_[i])] > 1) area_[roots_[i]] = 0;
    for (std::int32_t label = 1; label <= count_; ++label) {
      if (parts_[label] < 2) continue;
      const ComponentRecord& box = records_[label - 1];
      for (std::int64_t y = box.y; y < box.y + box.h; ++y)
        each_run(label, y, box.x, box.x + box.w, [&](std::int64_t begin, std::int64_t end) {
          each_stretch(label, y, begin, end, [&](std::int32_t root, std::int64_t from, std::int64_t until) {
            area_[root] += static_cast<std::int32_t>(until - from);
          });
        });
    }
  }

  void find_largest() {
    std::fill_n(largest_, count_ + 1, -1);
    for (std::int64_t i = 0; i < summit_count_; ++i) {  // in their order: of equal areas the one of the first summit
      std::int32_t& largest = largest_[label_of_cell(summits_[i])];
      if (largest < 0 || area_[parent_[summits_[i]]] > area_[parent_[largest]]) largest = summits_[i];
    }
  }

  /// Calls visit(begin, end) for the label's runs within columns [x, end_x) of row y.
  template <class Visit>
  void each_run(std::int32_t label, std::int64_t y, std::int64_t x, std::int64_t end_x, const Visit& visit) const {
    const std::int32_t* row = grid_.labels + y * grid_.size.w;
    while (x < end_x) {
      while (x < end_x && row[x] != label) ++x;
      const std::int64_t begin = x;
      while (x < end_x && row[x] == label) ++x;
      if (begin < x) visit(begin, x);
    }
  }

  /// Calls visit(root, begin, end) for pieces of one part each that pixels [x, end) of row y, all of `label`, fall
  /// into: whole cells where they can be.
  template <class Visit>
  void each_stretch(std::int32_t label, std::int64_t y, std::int64_t x, std::int64_t end, const Visit& visit) const {
    const std::int64_t cell_y = y / grid_.step;
    const std::int32_t* samples = grid_.labels + grid_.sample_y(cell_y) * grid_.size.w;
    for (std::int64_t cell_x = x / grid_.step; x < end; ++cell_x) {
      const std::int64_t until = std::min((cell_x + 1) * grid_.step, end);
      if (samples[grid_.sample_x(cell_x)] == label)
        visit(root_of_cell(cell_y * grid_.cells.w + cell_x), x, until);
      else
        for (std::int64_t i = x; i < until; ++i) visit(part_of(label, y, i), i, i + 1);
      x = until;
    }
  }

  /// The root of the part that pixel (y, x) of component `label` belongs to.
  std::int32_t part_of(std::int32_t label, std::int64_t y, std::int64_t x) const {
    const std::int64_t cell_y = y / grid_.step, cell_x = x / grid_.step;
    if (grid_.label(cell_y, cell_x) == label) return root_of_cell(cell_y * grid_.cells.w + cell_x);
    for (std::int64_t ring = 1; ring <= max_ring; ++ring) {
      std::int64_t nearest = std::numeric_limits<std::int64_t>::max(), found = -1;
      for (std::int64_t dy = -ring; dy <= ring; ++dy)
        for (std::int64_t dx = -ring; dx <= ring; dx += dy == -ring || dy == ring ? 1 : 2 * ring) {
          const std::int64_t to_y = cell_y + dy, to_x = cell_x + dx;
          if (!grid_.contains(to_y, to_x) || grid_.label(to_y, to_x) != label) continue;
          const std::int64_t by = grid_.sample_y(to_y) - y, bx = grid_.sample_x(to_x) - x, far = by * by + bx * bx;
          if (far >= nearest) continue;
          nearest = far;
          found = to_y * grid_.cells.w + to_x;
        }
      if (found >= 0) return root_of_cell(found);
    }
    return parent_[summit_[label]];
  }

  static constexpr std::int64_t max_ring = 4;  // of cells around a pixel's own in which its part is looked for

  const LabelGrid& grid_;
  const std::int32_t *distances_, *basins_;
  const ComponentRecord* records_;
  std::int32_t count_;
  const SplitParams& params_;
  // By summit.
  std::int32_t *parent_, *hook_, *peak_, *area_, *number_;
  Saddle* best_;
  // Lists of cells.
  std::int32_t *summits_, *roots_, *borders_;
  std::int64_t summit_count_ = 0, root_count_ = 0, border_count_ = 0;
  // By label: the highest summit, how many parts, the first summit of the largest, the number of one that is whole.
  std::int32_t *summit_, *parts_, *largest_, *label_number_;
};

}  // namespace

std::size_t distance_transform_scratch_bytes(Extent size, std::int64_t step) {
  const Extent cells = split_grid(size, step);
  return scratch_bytes_of<std::int32_t>(2 * cells.h * cells.w) + 2 * scratch_bytes_of<std::int64_t>(cells.w + 2);
}

void distance_transform(const std::int32_t* labels, Extent size, std::int64_t step, std::int32_t* distances,
                        std::span<std::byte> scratch) {
  const LabelGrid grid(labels, size, step);
  const auto [h, w] = grid.cells;
  Scratch memory(scratch);
  std::int32_t* own = memory.take<std::int32_t>(2 * h * w);  // the cells' labels
  std::int32_t* vertical = own + h * w;
  std::int64_t *site = memory.take<std::int64_t>(w + 2), *from = memory.take<std::int64_t>(w + 2);
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x) {
      const std::int64_t cell = y * w + x;
      own[cell] = grid.label(y, x);
      vertical[cell] = own[cell] == 0 ? 0 : y > 0 && own[cell - w] == own[cell] ? vertical[cell - w] + 1 : 1;
    }
  RunEnvelope envelope(site, from);
  for (std::int64_t y = h - 1; y >= 0; --y) {
    const std::int32_t* row = own + y * w;
    for (std::int64_t x = 0; x < w; ++x) {
      const std::int64_t cell = y * w + x;
      if (row[x] == 0) continue;
      const std::int32_t below = y + 1 < h && own[cell + w] == row[x] ? vertical[cell + w] + 1 : 1;
      vertical[cell] = std::min(vertical[cell], below);
    }
    for (std::int64_t begin = 0, end = 0; begin < w; begin = end) {
      while (end < w && row[end] == row[begin]) ++end;
      if (row[begin] == 0)
        std::fill(distances + y * w + begin, distances + y * w + end, 0);
      else
        envelope.run(vertical + y * w, begin, end, distances + y * w);
    }
  }
}

void basins(const std::int32_t* labels, Extent size, std::int64_t step, const std::int32_t* distances,
            std::int32_t* basins) {
  const LabelGrid grid(labels, size, step);
  const auto [h, w] = grid.cells;
  // Each cell points to the greatest cell around it, then to where that points, until it is the summit.
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x) {
      const std::int64_t cell = y * w + x;
      if (distances[cell] == 0) {
        basins[cell] = 0;
        continue;
      }
      const std::int32_t label = grid.label(y, x);
      std::int64_t greatest = cell;
      for (std::int64_t to_y = std::max<std::int64_t>(y - 1, 0); to_y <= std::min(y + 1, h - 1); ++to_y)
        for (std::int64_t to_x = std::max<std::int64_t>(x - 1, 0); to_x <= std::min(x + 1, w - 1); ++to_x) {
          const std::int64_t to = to_y * w + to_x;
          const bool higher =
              distances[to] > distances[greatest] || (distances[to] == distances[greatest] && to < greatest);
          if (higher && grid.label(to_y, to_x) == label) greatest = to;
        }
      basins[cell] = static_cast<std::int32_t>(1 + greatest);
    }
  for (std::int64_t cell = 0; cell < h * w; ++cell) {
    if (basins[cell] == 0) continue;
    std::int32_t summit = basins[cell];
    while (basins[summit - 1] != summit) summit = basins[summit - 1] = basins[basins[summit - 1] - 1];
    basins[cell] = summit;
  }
}

std::size_t merge_basins_scratch_bytes(Extent size, const SplitParams& params) {
  const Extent cells = split_grid(size, params.step);
  return Merger::bytes(cells.h * cells.w, params.capacity);
}

std::int32_t merge_basins(std::int32_t* parts, ComponentCount* table, const std::int32_t* labels,
                          const ComponentCount* regions, const std::int32_t* distances, const std::int32_t* basins,
                          Extent size, const SplitParams& params, std::span<std::byte> scratch) {
  const LabelGrid grid(labels, size, params.step);
  Merger merger(grid, distances, basins, regions, params, scratch);
  if (!merger.merge()) {
    std::copy_n(labels, size.h * size.w, parts);
    std::memcpy(table, regions, sizeof(ComponentCount) * static_cast<std::size_t>(1 + params.capacity));
    return regions->count;
  }
  const std::int32_t count = merger.write(parts);
  region_table(parts, size, params.capacity, table);
  return count;
}

}  // namespace giemsa::kernels::cpu
