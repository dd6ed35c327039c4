// What the kernels of merge_basins.cu share, and the first of them: the basins of one component, merged by one block.
#pragma once

#include "kernels/basins.h"
#include "kernels/components_forest.h"
#include "kernels/device.h"

namespace giemsa::kernels::parts {

using components::aligned_size;
using components::RootWord;

inline constexpr int threads_a_block = 256, warps_a_block = threads_a_block / warp_size;
inline constexpr int max_ring = 4;                 // of cells around a pixel's own in which its part is looked for
inline constexpr unsigned forward_neighbours = 4;  // the other four of the 8 are a neighbour's forward ones
inline constexpr int nobody = 0x7fffffff;

using Key = unsigned long long;  // a number above, what names it below: the greatest, of equals the one named first

__device__ inline Key key_of(int number, unsigned name) {
  return static_cast<Key>(static_cast<unsigned>(number)) << 32 | (0xffffffffu - name);
}
__device__ inline int number_of(Key key) {
  return static_cast<int>(key >> 32);
}
__device__ inline unsigned name_of(Key key) {
  return 0xffffffffu - static_cast<unsigned>(key);
}

/// Of a component that is whole, or of a part.
struct PartStatistics {
  unsigned long long sum_x, sum_y;
  int area, first, left, right, bottom;  // `first` pixel in raster order; right and bottom belong to it
  int number;                            // its label
};

/// What blocks tell each other.
struct Control {
  int blocks_done;
  int count;  // of parts
};

struct Workspace {
  Control* control;
  Key* best;                         // by summit, of roots: the highest saddle
  PartStatistics* statistics;        // by label - 1, then by summit
  RootWord* first_pixels;            // 32 pixels of a row: which of them are a part's first
  int *parent, *hook, *peak, *area;  // by summit, of which roots stand for parts
  int* summit;  // by label - 1: 1 + the highest summit where the component has several parts, else 0
};

struct Sizes {
  std::size_t control, best, statistics, first_pixels, by_summit, by_label;

  explicit Sizes(const MergeParams& p) {
    const auto cells = static_cast<std::size_t>(p.grid.cells()), labels = static_cast<std::size_t>(p.capacity);
    control = aligned_size(sizeof(Control));
    best = aligned_size(sizeof(Key) * cells);
    statistics = aligned_size(sizeof(PartStatistics) * (cells + labels));
    first_pixels = aligned_size(sizeof(RootWord) * static_cast<std::size_t>(p.grid.image.h) *
                                static_cast<std::size_t>(ceil_div(p.grid.image.w, warp_size)));
    by_summit = aligned_size(sizeof(int) * cells);
    by_label = aligned_size(sizeof(int) * labels);
  }
  std::size_t sum() const { return control + best + statistics + first_pixels + 4 * by_summit + by_label; }
};

inline Workspace place(void* memory, const MergeParams& p) {
  const Sizes sizes(p);
  auto* at = static_cast<std::byte*>(memory);
  const auto take = [&](std::size_t bytes) { return (at += bytes) - bytes; };
  Workspace work{};
  work.control = reinterpret_cast<Control*>(take(sizes.control));
  work.best = reinterpret_cast<Key*>(take(sizes.best));
  work.statistics = reinterpret_cast<PartStatistics*>(take(sizes.statistics));
  work.first_pixels = reinterpret_cast<RootWord*>(take(sizes.first_pixels));
  for (int** array : {&work.parent, &work.hook, &work.peak, &work.area})
    *array = reinterpret_cast<int*>(take(sizes.by_summit));
  work.summit = reinterpret_cast<int*>(take(sizes.by_label));
  return work;
}

/// What every kernel here reads.
struct Inputs {
  const std::int32_t *labels, *distances, *basins;
  const ComponentCount* regions;
};

/// The cell of `label` in the ring nearest to cell (cell_y, cell_x), up to `reach` rings around it, of those the one
/// whose sample is nearest to pixel (y, x), of equals the first; -1 where there is none.
__device__ inline int nearest_cell(const Inputs& in, const SplitGrid& grid, int label, int cell_y, int cell_x, int y,
                                   int x, int reach) {
  const int side = 2 * reach + 1;
  int nearest = nobody, found = -1;
#pragma unroll 1
  for (int i = 0; i < side * side; ++i) {
    const int dy = i / side - reach, dx = i % side - reach, to_y = cell_y + dy, to_x = cell_x + dx;
    if (!grid.contains(to_y, to_x) || grid.label(in.labels, to_y, to_x) != label) continue;
    const int by = grid.sample_y(to_y) - y, bx = grid.sample_x(to_x) - x;
    constexpr int a_ring = 1 << 24;  // more than any square of a distance within max_ring cells
    const int far = max(max(dy, -dy), max(dx, -dx)) * a_ring + by * by + bx * bx;
    if (far < nearest) found = to_y * grid.w() + to_x;
    nearest = min(nearest, far);
  }
  return found;
}

/// The root of the part that pixel (y, x) of component `label` belongs to, whose highest summit is `highest`.
__device__ inline int part_of(const Workspace& work, const Inputs& in, const SplitGrid& grid, int label, int highest,
                              int y, int x) {
  const int cell_y = y / grid.step, cell_x = x / grid.step;
  int cell = cell_y * grid.w() + cell_x;
  if (grid.label(in.labels, cell_y, cell_x) != label) {
    cell = nearest_cell(in, grid, label, cell_y, cell_x, y, x, 1);  // nearly always
    if (cell < 0) cell = nearest_cell(in, grid, label, cell_y, cell_x, y, x, max_ring);
  }
  return work.parent[cell < 0 ? highest : in.basins[cell] - 1];
}

/// A block's shared memory.
struct Board {
  Key best;
  int summits, changed, parts;
};

/// A component as a block sees it. Its functions are called by all threads of the block together.
class Component {
 public:
  __device__ Component(const Workspace& work, const Inputs& in, const MergeParams& params, int label, Board* board)
      : work_(work), in_(in), params_(params), grid_(params.grid), label_(label), board_(board) {
    const ComponentRecord& box = reinterpret_cast<const ComponentRecord*>(in.regions + 1)[label - 1];
    top_ = box.y / grid_.step;
    left_ = box.x / grid_.step;
    rows_ = box.area > 0 ? (box.y + box.h - 1) / grid_.step - top_ + 1 : 0;
    columns_ = (box.x + box.w - 1) / grid_.step - left_ + 1;
  }

  /// Merges its basins and says in work.summit whether there are several parts.
  __device__ void merge() {
    find_summits();
    int highest = -1;
    if (board_->summits > 1) {
      highest = static_cast<int>(name_of(board_->best));
      for (by_area_ = false;; by_area_ = true) {
        if (by_area_) measure(highest);
        in_rounds();
        join_left_over(by_area_ ? largest() : highest);
        const bool whole = count_parts() < 2;
        if (whole) highest = -1;
        if (whole || by_area_) break;
      }
    }
    if (threadIdx.x == 0) work_.summit[label_ - 1] = 1 + highest;
  }

 private:
  /// Calls visit(cell, y, x) for the component's cells, each in one thread.
  template <class Visit>
  __device__ void each_cell(const Visit& visit) const {
    for (int i = static_cast<int>(threadIdx.x); i < rows_ * columns_; i += threads_a_block) {
      const int y = top_ + i / columns_, x = left_ + i % columns_;
      if (grid_.label(in_.labels, y, x) == label_) visit(y * grid_.w() + x, y, x);
    }
  }
  template <class Visit>
  __device__ void each_summit(const Visit& visit) const {
    each_cell([&](int cell, int, int) {
      if (in_.basins[cell] == cell + 1) visit(cell);
    });
  }
  __device__ bool is_root(int summit) const { return work_.parent[summit] == summit; }
  __device__ int root_of_cell(int cell) const { return work_.parent[in_.basins[cell] - 1]; }

  /// The forward neighbour k of a cell: right, below to the left, below, below to the right.
  __device__ int neighbour(int cell, int k) const { return k == 0 ? cell + 1 : cell + grid_.w() + k - 2; }
  __device__ bool is_beside(int y, int x, int k) const {
    const int to_y = k == 0 ? y : y + 1, to_x = k == 0 ? x + 1 : x + k - 2;
    return grid_.contains(to_y, to_x) && grid_.label(in_.labels, to_y, to_x) == label_;
  }

  __device__ void find_summits() {
    if (threadIdx.x == 0) {
      board_->best = 0;
      board_->summits = 0;
      work_.statistics[label_ - 1] = {0, 0, 0, nobody, nobody, -1, -1, 0};
    }
    sync_block();
    each_summit([&](int summit) {
      work_.parent[summit] = summit;
      work_.peak[summit] = in_.distances[summit];
      work_.area[summit] = 0;
      work_.statistics[params_.capacity + summit] = {0, 0, 0, nobody, nobody, -1, -1, 0};
      atomic_max(&board_->best, key_of(in_.distances[summit], static_cast<unsigned>(summit)));
      atomic_add(&board_->summits, 1);
    });
    sync_block();
  }

  /// Whether a part cannot stay, however deep its saddles are: low at first, small once areas are known.
  __device__ bool must_join(int root) const {
    return by_area_ ? work_.area[root] < params_.min_area : work_.peak[root] <= params_.least_peak * params_.least_peak;
  }
  /// Whether a part joins its neighbour across its highest saddle.
  __device__ bool joins(int root) const {
    if (must_join(root)) return true;
    const long long keep = static_cast<long long>(100 - params_.depth) * (100 - params_.depth);
    return !by_area_ && 10000LL * number_of(work_.best[root]) > keep * work_.peak[root];
  }

  /// Joins, round after round, each part that joins() with its neighbour across its highest saddle.
  __device__ void in_rounds() {
    while (true) {
      each_summit([&](int summit) { work_.best[summit] = 0; });
      if (threadIdx.x == 0) board_->changed = 0;
      sync_block();
      each_cell([&](int cell, int y, int x) {
        const int root = root_of_cell(cell);
        for (int k = 0; k < static_cast<int>(forward_neighbours); ++k) {
          if (!is_beside(y, x, k)) continue;
          const int to = neighbour(cell, k), other = root_of_cell(to);
          if (other == root) continue;
          const unsigned index = static_cast<unsigned>(cell) * forward_neighbours + static_cast<unsigned>(k);
          const Key saddle = key_of(min(in_.distances[cell], in_.distances[to]), index);
          atomic_max(work_.best + root, saddle);
          atomic_max(work_.best + other, saddle);
        }
      });
      sync_block();
      each_summit([&](int summit) {
        work_.hook[summit] = summit;
        if (!is_root(summit) || work_.best[summit] == 0 || !joins(summit)) return;
        const unsigned index = name_of(work_.best[summit]);
        const int cell = static_cast<int>(index / forward_neighbours), k = static_cast<int>(index % forward_neighbours);
        const int one = root_of_cell(cell), other = root_of_cell(neighbour(cell, k));
        work_.hook[summit] = one == summit ? other : one;
        atomic_or(&board_->changed, 1);
      });
      sync_block();
      const bool changed = board_->changed != 0;
      each_summit([&](int summit) {
        if (!is_root(summit)) return;
        const int to = work_.hook[summit];
        work_.parent[summit] = work_.hook[to] == summit ? min(summit, to) : to;
      });
      sync_block();
      if (!changed) return;
      gather();
    }
  }

  /// Points every summit at its root, and gives roots what they took in: hook still tells which were roots.
  __device__ void gather() {
    each_summit([&](int summit) {
      const int root = components::find(work_.parent, summit);
      work_.parent[summit] = root;
      if (root == summit) return;
      atomic_max(work_.peak + root, in_.distances[summit]);
      if (work_.hook[summit] != summit) atomic_add(work_.area + root, work_.area[summit]);
    });
    sync_block();
  }

  /// Joins the parts that should have been joined, but touch none, with that of the summit `main`.
  __device__ void join_left_over(int main) {
    const int root = work_.parent[main];
    each_summit([&](int summit) {
      const bool left_over = is_root(summit) && summit != root && must_join(summit);
      work_.hook[summit] = left_over ? root : summit;
    });
    sync_block();
    each_summit([&](int summit) {
      if (is_root(summit)) work_.parent[summit] = work_.hook[summit];
    });
    sync_block();
    gather();
  }

  __device__ int count_parts() {
    if (threadIdx.x == 0) board_->parts = 0;
    sync_block();
    each_summit([&](int summit) {
      if (is_root(summit)) atomic_add(&board_->parts, 1);
    });
    sync_block();
    return board_->parts;
  }

  /// Counts the pixels of each part, a thread those of a cell.
  __device__ void measure(int highest) {
    for (int i = static_cast<int>(threadIdx.x); i < rows_ * columns_; i += threads_a_block) {
      const int y = top_ + i / columns_, x = left_ + i % columns_;
      const bool own_cell = grid_.label(in_.labels, y, x) == label_;
      int pixels = 0;
#pragma unroll 1
      for (int k = 0; k < grid_.step * grid_.step; ++k) {
        const int to_y = y * grid_.step + k / grid_.step, to_x = x * grid_.step + k % grid_.step;
        const bool inside = to_y < grid_.image.h && to_x < grid_.image.w;
        if (!inside || in_.labels[to_y * grid_.image.w + to_x] != label_) continue;
        if (own_cell)
          ++pixels;
        else
          atomic_add(work_.area + part_of(work_, in_, grid_, label_, highest, to_y, to_x), 1);
      }
      if (pixels > 0) atomic_add(work_.area + root_of_cell(y * grid_.w() + x), pixels);
    }
    sync_block();
  }

  /// The first summit of the part with the most pixels; of equal ones the one whose summit comes first.
  __device__ int largest() {
    if (threadIdx.x == 0) board_->best = 0;
    sync_block();
    each_summit([&](int summit) {
      atomic_max(&board_->best, key_of(work_.area[work_.parent[summit]], static_cast<unsigned>(summit)));
    });
    sync_block();
    return static_cast<int>(name_of(board_->best));
  }

  const Workspace& work_;
  const Inputs& in_;
  const MergeParams& params_;
  const SplitGrid& grid_;
  int label_;
  Board* board_;
  bool by_area_ = false;             // the second pass: what is too small joins others
  int top_, left_, rows_, columns_;  // of its box on the grid
};

}  // namespace giemsa::kernels::parts
