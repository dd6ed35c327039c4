// Basins merged into parts (see basins.h):
//
//   1. merge_in_components  a block per component: its basins become parts, in rounds, each by one pass over its cells
//   2. measure_parts        areas, boxes, sums and first pixels of the parts; the last block to finish numbers them
//   3. write_parts          labels and table
//
// Why rounds, where merging is usually a loop over saddles from the highest: all parts that have to merge do so at once,
// each across its highest saddle, and at least half of them vanish in a round (Boruvka's minimum spanning tree). The
// result is the loop's. The highest saddle out of a part is the first that the loop would come to. If it lies too high
// for that part's peak, the loop merges there as well: the part across it either is higher, so that this peak is the
// lower one, or is lower, so that the saddle is even less deep below it. And if it lies deep enough, all further saddles
// of the part do, too, whatever it may be part of by then. Saddles are ordered without ties, so that only two parts that
// chose the same saddle can form a circle. A component whose cells all flow to one summit, as most do, leaves at once.
//
// Heights are compared as squares in 64 bits, (100 - depth)^2 peak < 100^2 saddle: no root is taken, no bit is lost.
//
// What limits: a component's cells are few, 2000 of a cell's box, so the latency of three or four barriers a round and
// of dependent reads from L2 does. Launch 2 and 3 read the labels, launch 3 writes them: 12 bytes per pixel.
#include "kernels/basins.h"
#include "kernels/channels.h"
#include "kernels/components_forest.h"
#include "kernels/device.h"

namespace giemsa::kernels {

namespace {

using components::aligned_size;
using components::RootWord;

constexpr int threads_a_block = 256, warps_a_block = threads_a_block / warp_size;
constexpr int max_merging_blocks = 264;  // two on each of 132 multiprocessors; a block takes one component after another
constexpr int max_ring = 4;              // of cells around a pixel's own in which its part is looked for
constexpr unsigned forward_neighbours = 4;  // the other four of the 8 are a neighbour's forward ones
constexpr int nobody = 0x7fffffff;

using Key = unsigned long long;  // a number above, what names it below: the greatest, of equals the one named first

__device__ Key key_of(int number, unsigned name) {
  return static_cast<Key>(static_cast<unsigned>(number)) << 32 | (0xffffffffu - name);
}
__device__ int number_of(Key key) {
  return static_cast<int>(key >> 32);
}
__device__ unsigned name_of(Key key) {
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
  Key* best;                   // by summit, of roots: the highest saddle
  PartStatistics* statistics;  // by label - 1, then by summit
  RootWord* first_pixels;      // 32 pixels of a row: which of them are a part's first
  int *parent, *hook, *peak, *area;  // by summit, of which roots stand for parts
  int* summit;                       // by label - 1: 1 + the highest summit where the component has several parts, else 0
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

Workspace place(void* memory, const MergeParams& p) {
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

/// The cell of `label` in the ring nearest to cell (cell_y, cell_x), up to `reach` rings around it, of those the one whose
/// sample is nearest to pixel (y, x), of equals the first; -1 where there is none.
__device__ int nearest_cell(const Inputs& in, const SplitGrid& grid, int label, int cell_y, int cell_x, int y, int x,
                            int reach) {
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
__device__ int part_of(const Workspace& work, const Inputs& in, const SplitGrid& grid, int label, int highest, int y,
                       int x) {
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
    return by_area_ ? work_.area[root] < params_.min_area
                    : work_.peak[root] <= params_.least_peak * params_.least_peak;
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

// A block merges the basins of a component, then of those a grid of blocks further in the table.
__global__ void __launch_bounds__(threads_a_block, 2) merge_in_components(Workspace work, Inputs in, MergeParams params) {
  __shared__ Shared<Board, 1> board;
  wait_for_previous_kernel();
  if (blockIdx.x == 0 && threadIdx.x == 0) *work.control = {0, 0};
  for (int label = 1 + static_cast<int>(blockIdx.x); label <= in.regions->count; label += static_cast<int>(gridDim.x)) {
    Component(work, in, params, label, board.data()).merge();
    sync_block();  // the board is the next component's
  }
}

/// Where the statistics of a pixel's part are; -1 for the background.
__device__ int slot_of(const Workspace& work, const Inputs& in, const MergeParams& params, int label, int y, int x) {
  if (label == 0) return -1;
  const int summit = work.summit[label - 1];
  if (summit == 0) return label - 1;
  return static_cast<int>(params.capacity) + part_of(work, in, params.grid, label, summit - 1, y, x);
}

/// Calls visit(statistics) for every part, each in one of `threads` threads, of which this is `thread`.
template <class Visit>
__device__ void each_part(const Workspace& work, const Inputs& in, const MergeParams& params, int thread, int threads,
                          const Visit& visit) {
  const int labels = in.regions->count, slots = labels + params.grid.cells();
  for (int i = thread; i < slots; i += threads) {
    const int cell = i - labels;
    if (cell >= 0 && in.basins[cell] != cell + 1) continue;
    PartStatistics& part = work.statistics[cell < 0 ? i : static_cast<int>(params.capacity) + cell];
    if (part.area > 0) visit(part);
  }
}

/// Sum of `value` over the block's threads before this one.
__device__ int sum_before(int value, Shared<int, warps_a_block>& of_warp) {
  const int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
  int sum = value;
  for (int delta = 1; delta < warp_size; delta *= 2) {
    const int below = shuffle_up(sum, delta);
    if (lane >= delta) sum += below;
  }
  if (lane == warp_size - 1) of_warp[warp] = sum;
  sync_block();
  for (int i = 0; i < warp; ++i) sum += of_warp[i];
  return sum - value;
}

/// Gives every part its label: how many first pixels come before its own. By one block.
__device__ void number_parts(const Workspace& work, const Inputs& in, const MergeParams& params,
                             Shared<int, warps_a_block>& of_warp) {
  const int thread = static_cast<int>(threadIdx.x), w = params.grid.image.w, words_a_row = ceil_div(w, warp_size);
  const auto word_of = [&](int pixel) { return pixel / w * words_a_row + pixel % w / warp_size; };
  const auto bit_of = [&](int pixel) { return 1u << pixel % w % warp_size; };
  each_part(work, in, params, thread, threads_a_block, [&](PartStatistics& part) {
    atomic_or(&work.first_pixels[word_of(part.first)].bits, bit_of(part.first));
  });
  sync_block();
  const int words = params.grid.image.h * words_a_row, words_a_thread = ceil_div(words, threads_a_block);
  const int begin = min(thread * words_a_thread, words), end = min(begin + words_a_thread, words);
  int parts = 0;
  for (int word = begin; word < end; ++word) parts += count_ones(work.first_pixels[word].bits);
  int before = sum_before(parts, of_warp);
  for (int word = begin; word < end; ++word) {
    work.first_pixels[word].before = before;
    before += count_ones(work.first_pixels[word].bits);
  }
  if (thread == threads_a_block - 1) work.control->count = before;
  sync_block();
  each_part(work, in, params, thread, threads_a_block, [&](PartStatistics& part) {
    const RootWord word = work.first_pixels[word_of(part.first)];
    part.number = 1 + word.before + count_ones(word.bits & (bit_of(part.first) - 1));
  });
}

// A warp takes 32 pixels of a row, and each part among them costs one set of atomics. The last block to finish numbers
// the parts. PRECOND: the grid has a row of blocks for each row of the image, up to 65535.
__global__ void __launch_bounds__(threads_a_block) measure_parts(Workspace work, Inputs in, MergeParams params) {
  __shared__ Shared<int, warps_a_block> of_warp;
  __shared__ Shared<int, 1> is_last;
  wait_for_previous_kernel();
  const Extent image = params.grid.image;
  const int x = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  for (int y = static_cast<int>(blockIdx.y); y < image.h; y += static_cast<int>(gridDim.y)) {
    const int label = x < image.w ? in.labels[y * image.w + x] : 0;
    const int slot = slot_of(work, in, params, label, y, x);
    if (lane == 0 && x < image.w) work.first_pixels[y * ceil_div(image.w, warp_size) + x / warp_size].bits = 0;
    const unsigned same = match_lanes(static_cast<unsigned>(slot));
    const bool leads = lane == find_first_set(same) - 1;
    if (!leads || slot < 0) continue;
    // The leader is the first of its part's lanes.
    const int pixels = count_ones(same), last = x - lane + warp_size - 1 - count_leading_zeros(same);
    long long sum_x = static_cast<long long>(x - lane) * pixels;
    for (unsigned rest = same; rest != 0; rest &= rest - 1) sum_x += find_first_set(rest) - 1;
    PartStatistics& part = work.statistics[slot];
    atomic_min(&part.first, y * image.w + x);
    atomic_min(&part.left, x);
    atomic_max(&part.right, last);
    atomic_max(&part.bottom, y);
    atomic_add(&part.area, pixels);
    atomic_add(&part.sum_x, static_cast<unsigned long long>(sum_x));
    atomic_add(&part.sum_y, static_cast<unsigned long long>(y) * static_cast<unsigned long long>(pixels));
  }
  thread_fence();
  sync_block();
  const int blocks = static_cast<int>(gridDim.x * gridDim.y);
  if (threadIdx.x == 0) is_last[0] = atomic_add(&work.control->blocks_done, 1) == blocks - 1 ? 1 : 0;
  sync_block();
  if (is_last[0] == 0) return;
  thread_fence();
  number_parts(work, in, params, of_warp);
}

// A thread writes the label of a pixel, and all together the records, of which those past the count are zeroed.
__global__ void __launch_bounds__(threads_a_block)
    write_parts(std::int32_t* parts, ComponentCount* table, Workspace work, Inputs in, MergeParams params) {
  wait_for_previous_kernel();
  const int thread = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int threads = static_cast<int>(gridDim.x) * threads_a_block, w = params.grid.image.w;
  if (thread < params.grid.pixels()) {
    const int y = thread / w, x = thread - y * w;
    const int slot = slot_of(work, in, params, in.labels[thread], y, x);
    parts[thread] = slot < 0 ? 0 : work.statistics[slot].number;
  }
  auto* records = reinterpret_cast<ComponentRecord*>(table + 1);
  each_part(work, in, params, thread, threads, [&](const PartStatistics& part) {
    if (part.number > params.capacity) return;
    const int top = part.first / w;
    records[part.number - 1] = {part.left, top,
                                part.right - part.left + 1,
                                part.bottom - top + 1,
                                part.area, 0,
                                static_cast<std::int64_t>(part.sum_x),
                                static_cast<std::int64_t>(part.sum_y)};
  });
  const int count = work.control->count;
  for (std::int64_t record = count + std::int64_t{thread}; record < params.capacity; record += threads)
    records[record] = {};
  if (thread == 0) *table = {count, {}};
}

bool aligned(const void* p, std::uintptr_t bytes) {
  return reinterpret_cast<std::uintptr_t>(p) % bytes == 0;
}

}  // namespace

std::size_t workspace_bytes(const MergeParams& params) {
  return Sizes(params).sum();
}

void merge_basins(std::int32_t* parts, ComponentCount* table, void* workspace, const std::int32_t* labels,
                  const ComponentCount* regions, const std::int32_t* distances, const std::int32_t* basins,
                  const MergeParams& params, Stream stream) {
  const SplitGrid& grid = params.grid;
  PRECONDITION(is_valid(grid));
  PRECONDITION(params.depth >= 0 && params.depth <= 100 && params.least_peak >= 0 && params.least_peak <= 16384);
  PRECONDITION(params.capacity >= 0 && params.capacity <= grid.pixels());
  PRECONDITION(aligned(workspace, 16) && aligned(table, 8) && aligned(regions, 8) && parts != labels);
  const Workspace work = place(workspace, params);
  const Inputs in{labels, distances, basins, regions};
  const auto over = [&](Dim3 blocks) {
    return Launch{.grid = blocks, .block = {threads_a_block}, .overlap_previous = true, .stream = stream};
  };
  const int blocks = static_cast<int>(min(max(params.capacity, std::int64_t{1}), std::int64_t{max_merging_blocks}));
  launch(merge_in_components, over({blocks}), work, in, params);
  launch(measure_parts, over({ceil_div(grid.image.w, threads_a_block), min(grid.image.h, 65535)}), work, in, params);
  launch(write_parts, over({blocks_for(grid.pixels(), threads_a_block)}), parts, table, work, in, params);
}

Cost cost(const MergeParams& p) {
  const double records = 2.0 * (1.0 + static_cast<double>(p.capacity));
  return {.bytes = 2.0 * sizeof(std::int32_t) * (double(p.grid.pixels()) + p.grid.cells()) +
                   records * sizeof(ComponentRecord)};
}

}  // namespace giemsa::kernels
