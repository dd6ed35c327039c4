// Hole filling, area opening, labels and regions (see components.h), by union-find on both colours at once
// (components_forest.h):
//
//   1. join_in_tiles     a forest within each 32x32 tile, in shared memory
//   2. join_tiles        the forests joined across the tiles' boundaries
//   3. measure           holes and what lies in them go to the component around; areas, boxes and sums gathered there
//   4. count_kept        first pixels of components of at least min_area, and how many precede each in its chunk
//   5. write_labels      labels, clean mask and table
//
// A pixel moves 18 bytes: mask 1, forest 4 written (1.) and 4 + 4 read (3., 5.), labels 4, clean mask 1. 302 MB at
// 4096x4096, 0.06 ms of an H200's memory; at 720x576 all lies in L2 and the latency of five dependent launches limits.
//
// Tile: 32 pixels wide, as a row is then one word, whose runs come of bit operations without any join. 32 high, as a
// tile joins its neighbours and adds to the final sums by global atomics, which all go to the same address where one
// component fills the mask: 6 additions for 1024 pixels. A warp takes every eighth row: of 256 threads, all 414 tiles
// of 720x576 are resident at once on 132 SMs.
#include "kernels/components.h"

#include "kernels/components_forest.h"
#include "kernels/device.h"

namespace giemsa::kernels {

namespace {

using namespace components;

constexpr int pixels_a_thread = 4;      // of write_labels
constexpr int max_label_blocks = 2048;  // bounds how often the counts are scanned

// ---- stretches of a word ----

/// The first bit of the stretch of ones in `bits` that bit `lane` belongs to.
__device__ int stretch_begin(unsigned bits, int lane) {
  return warp_size - count_leading_zeros(~bits & ((1u << lane) - 1));
}
/// The bit after the stretch that begins at `begin`, given where stretches begin or bits are not set.
__device__ int next_bit(unsigned bits, int begin) {
  const unsigned later = bits & ~((2u << begin) - 1);
  return later ? find_first_set(later) - 1 : warp_size;
}

/// A thread's place in a tile: a column of it and every eighth row.
struct TilePlace {
  int word, x0, y0, lane, first_row, rows;

  __device__ explicit TilePlace(const Frame& frame)
      : word(static_cast<int>(blockIdx.x) % frame.tiles_x()),
        x0(word * tile),
        y0(static_cast<int>(blockIdx.x) / frame.tiles_x() * tile),
        lane(static_cast<int>(threadIdx.x) % warp_size),
        first_row(static_cast<int>(threadIdx.x) / warp_size),
        rows(min(tile, frame.h - y0)) {}
};

// ---- kernels ----

// A block makes the forest of a tile, a warp of every eighth row, a lane of a column: parents, which pixels are roots,
// empty Statistics at the foreground's.
__global__ void __launch_bounds__(threads_a_block)
    join_in_tiles(Workspace work, const std::uint8_t* mask, Frame frame) {
  __shared__ Shared<unsigned, tile> foreground;
  __shared__ Shared<int, 1 + tile * tile> parent;  // outside, then pixels
  wait_for_previous_kernel();
  const TilePlace at(frame);
  const int lane = at.lane, x = at.x0 + lane;
  const bool inside = x < frame.w;
  const unsigned columns = ballot(inside);
  const auto local = [](int row, int column) { return 1 + row * tile + column; };

  if (threadIdx.x == 0) parent[outside] = outside;
  for (int row = at.first_row; row < at.rows; row += warps_a_block) {
    const int y = at.y0 + row;
    const bool set = inside && mask[y * frame.w + x] != 0;
    const unsigned here = ballot(set);
    if (lane == 0) foreground[row] = here;
    const unsigned same = set ? here : columns & ~here;
    const int begin = stretch_begin(same, lane), end = next_bit(~same, begin);
    const bool at_edge = y == 0 || y == frame.h - 1 || at.x0 + begin == 0 || at.x0 + end == frame.w;
    const int first = !set && at_edge ? outside : local(row, begin);
    parent[local(row, lane)] = lane == begin ? first : local(row, begin);
  }
  sync_block();

  const SharedForest forest{parent.data()};
  for (int row = at.first_row; row < at.rows; row += warps_a_block) {
    if (row == 0) continue;
    const unsigned here = foreground[row], above = foreground[row - 1];
    const unsigned same = ~(here ^ above) & columns;
    const unsigned implied = same << 1 & ~(here ^ here << 1);  // the pixels to the left touch, too
    const unsigned corner = here & ~above;
    const auto join = [&](unsigned where, int column) {
      if (where >> lane & 1) unite(forest, local(row, lane), local(row - 1, column));
    };
    join(same & ~implied, lane);
    join(corner & above << 1 & ~(here << 1), lane - 1);
    join(corner & above >> 1 & ~(here >> 1), lane + 1);
  }
  sync_block();

  for (int row = at.first_row; row < at.rows; row += warps_a_block) {
    const int y = at.y0 + row, own = local(row, lane);
    const int root = inside ? find(parent.data(), own) : outside;
    const bool is_root = root == own;
    if (inside) {
      const int pixel = root - 1, node = frame.node(y, x);
      work.parent[node] = root == outside ? outside : frame.node(at.y0 + pixel / tile, at.x0 + pixel % tile);
      if (is_root && (foreground[row] >> lane & 1)) work.statistics[frame.cell(node)] = {0, 0, 0, frame.w, -1, -1};
    }
    const unsigned roots = ballot(is_root);
    if (lane == 0) work.roots[y * frame.tiles_x() + at.word].bits = roots;
  }
  if (blockIdx.x == 0 && threadIdx.x == 0) work.parent[outside] = outside;
}

// A thread joins one pixel below or right of a boundary between tiles with those on the other side. Only roots of tiles
// get other parents: measure() reads from the other pixels which component of the tile they belong to.
__global__ void __launch_bounds__(threads_a_block) join_tiles(Workspace work, const std::uint8_t* mask, Frame frame) {
  wait_for_previous_kernel();
  int i = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  if (i >= frame.boundary_pixels()) return;
  const int below = (frame.tiles_y() - 1) * frame.w;  // pixels below a boundary; the others are right of one
  const bool vertical = i >= below;
  if (vertical) i -= below;
  const int length = vertical ? frame.h : frame.w, along = vertical ? frame.w : 1, across = vertical ? 1 : frame.w;
  const int position = i % length, pixel = position * along + (i / length + 1) * tile * across;

  const auto set = [&](int p) { return mask[p] != 0; };
  const auto join = [&](int other) {
    unite(GlobalForest{work.parent}, work.parent[1 + pixel], work.parent[1 + other]);
  };
  const bool here = set(pixel);
  const int opposite = pixel - across;
  if (here == set(opposite)) {
    // Within a tile the pixels before join both sides as well. Not so at its corner, where the other boundary's pixel
    // could rely on this one in turn.
    const bool implied = position % tile != 0 && set(pixel - along) == here && set(opposite - along) == here;
    if (!implied) join(opposite);
  } else if (here) {
    if (position > 0 && set(opposite - along) && !set(pixel - along)) join(opposite - along);
    if (position + 1 < length && set(opposite + along) && !set(pixel + along)) join(opposite + along);
  }
}

// A block measures the components of a tile in shared memory, lanes run by run, then adds each to the Statistics of
// the component that it ends up in. After it the parent of a tile's root is that component's root, or outside, and only
// those components' roots are left in work.roots.
__global__ void __launch_bounds__(threads_a_block) measure(Workspace work, const std::uint8_t* mask, Frame frame) {
  // By the tile's root. 1024 pixels at most 31 from the tile's origin: sums have 15 bits.
  __shared__ Shared<unsigned, tile * tile> area_and_sum_x, sum_y, columns, rows;
  wait_for_previous_kernel();
  const TilePlace at(frame);
  const int lane = at.lane, x = at.x0 + lane;
  const auto roots_of = [&](int row) -> unsigned& {
    return work.roots[(at.y0 + row) * frame.tiles_x() + at.word].bits;
  };

  for (int row = at.first_row; row < at.rows; row += warps_a_block) {
    if (!(roots_of(row) >> lane & 1)) continue;
    const int i = row * tile + lane;
    area_and_sum_x[i] = sum_y[i] = columns[i] = rows[i] = 0;
  }
  sync_block();

  for (int row = at.first_row; row < at.rows; row += warps_a_block) {
    const int node = frame.node(at.y0 + row, x);
    const bool is_root = roots_of(row) >> lane & 1;
    const int root = x >= frame.w ? outside : is_root ? node : work.parent[node];
    const int before = shuffle_up(root, 1);
    const unsigned begins = ballot(lane == 0 || root != before);
    if (root == outside || !(begins >> lane & 1)) continue;
    const int end = next_bit(begins, lane), length = end - lane;
    const int i = (frame.y_of(root) - at.y0) * tile + frame.x_of(root) - at.x0;
    const int sum_x = (lane + end - 1) * length / 2;
    atomic_add(&area_and_sum_x[i], static_cast<unsigned>(length << 16 | sum_x));
    atomic_add(&sum_y[i], static_cast<unsigned>(row * length));
    atomic_or(&columns[i], (full_mask >> (warp_size - length)) << lane);
    atomic_or(&rows[i], 1u << row);
  }
  sync_block();

  for (int row = at.first_row; row < at.rows; row += warps_a_block) {
    const int node = frame.node(at.y0 + row, x), i = row * tile + lane;
    bool final_root = false;
    if (roots_of(row) >> lane & 1) {
      const int root = outermost(work.parent, mask, frame, node);
      work.parent[node] = root;
      final_root = root == node;
      if (root != outside) {
        Statistics& to = work.statistics[frame.cell(root)];
        const unsigned area = area_and_sum_x[i] >> 16;
        atomic_add(&to.sum_x, static_cast<unsigned long long>(at.x0) * area + (area_and_sum_x[i] & 0xffff));
        atomic_add(&to.sum_y, static_cast<unsigned long long>(at.y0) * area + sum_y[i]);
        atomic_add(&to.area, static_cast<int>(area));
        atomic_min(&to.left, at.x0 + find_first_set(columns[i]) - 1);
        atomic_max(&to.right, at.x0 + warp_size - 1 - count_leading_zeros(columns[i]));
        atomic_max(&to.bottom, at.y0 + warp_size - 1 - count_leading_zeros(rows[i]));
      }
    }
    const unsigned roots = ballot(final_root);
    if (lane == 0) roots_of(row) = roots;
  }
}

// A block clears the roots of components that are too small in a chunk of work.roots, and counts those before each
// word; a thread does so for words_a_thread() words.
__global__ void __launch_bounds__(threads_a_block) count_kept(Workspace work, Frame frame, int min_area) {
  __shared__ Shared<int, warps_a_block> of_warp;
  wait_for_previous_kernel();
  const int thread = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int begin = min(thread * frame.words_a_thread(), frame.words());
  const int end = min(begin + frame.words_a_thread(), frame.words());
  int kept = 0;
  for (int word = begin; word < end; ++word) {
    const int first_node = frame.node(word / frame.tiles_x(), word % frame.tiles_x() * tile);
    unsigned bits = work.roots[word].bits;
    for (unsigned rest = bits; rest != 0; rest &= rest - 1) {
      const int bit = find_first_set(rest) - 1;
      if (work.statistics[frame.cell(first_node + bit)].area < min_area) bits &= ~(1u << bit);
    }
    work.roots[word].bits = bits;
    kept += count_ones(bits);
  }
  int before = sum_before(kept, of_warp.data());
  for (int word = begin; word < end; ++word) {
    work.roots[word].before = before;
    before += count_ones(work.roots[word].bits);
  }
  if (threadIdx.x == threads_a_block - 1) work.kept_in_chunk[blockIdx.x] = before;
}

// A thread writes labels and clean mask of 4 consecutive pixels, then of those a grid further; that of a component's
// root also its record. All together zero the records past the count.
// PRECOND: labels is aligned to 16 bytes, clean to 4; the table holds all components.
__global__ void __launch_bounds__(threads_a_block)
    write_labels(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, Workspace work, Frame frame,
                 std::int64_t capacity) {
  __shared__ Shared<int, warps_a_block> of_warp;
  __shared__ Shared<int, max_chunks + 1> before_chunk;  // and at last the sum
  wait_for_previous_kernel();
  const int thread = static_cast<int>(threadIdx.x);
  const int kept = thread < frame.chunks() ? work.kept_in_chunk[thread] : 0;
  const int before = sum_before(kept, of_warp.data());
  before_chunk[thread] = before;
  if (thread == max_chunks - 1) before_chunk[max_chunks] = before + kept;
  sync_block();

  const auto label_of = [&](int node) {
    const int root = work.parent[node];  // outside is its own parent
    if (root == outside) return 0;
    const int x = frame.x_of(root), index = frame.y_of(root) * frame.tiles_x() + x / tile;
    const RootWord word = work.roots[index];
    const unsigned bit = 1u << x % tile;
    if (!(word.bits & bit)) return 0;
    return 1 + before_chunk[index / frame.words_a_chunk()] + word.before + count_ones(word.bits & (bit - 1));
  };

  auto* records = reinterpret_cast<ComponentRecord*>(table + 1);
  const int i = static_cast<int>(blockIdx.x) * threads_a_block + thread,
            threads = static_cast<int>(gridDim.x * blockDim.x);
  for (int first = i * pixels_a_thread; first < frame.pixels(); first += threads * pixels_a_thread) {
    const Vec<int, pixels_a_thread> parents = load<pixels_a_thread>(work.parent + 1 + first);
    Vec<std::int32_t, pixels_a_thread> numbers{};
    Vec<std::uint8_t, pixels_a_thread> kept_pixels{};
    int last = outside, label = 0;
#pragma unroll
    for (int k = 0; k < pixels_a_thread; ++k) {
      const int node = 1 + first + k;
      if (node > frame.pixels()) break;
      if (parents[k] != last) {
        last = parents[k];
        label = label_of(last);
      }
      numbers[k] = label;
      kept_pixels[k] = label != 0;
      if (parents[k] != node || label == 0) continue;
      const Statistics& s = work.statistics[frame.cell(node)];
      const int top = frame.y_of(node);
      records[label - 1] = {s.left,
                            top,
                            s.right - s.left + 1,
                            s.bottom - top + 1,
                            s.area,
                            0,
                            static_cast<std::int64_t>(s.sum_x),
                            static_cast<std::int64_t>(s.sum_y)};
    }
    if (first + pixels_a_thread <= frame.pixels()) {
      store(labels + first, numbers);
      store(clean + first, kept_pixels);
    } else {
#pragma unroll
      for (int k = 0; k < pixels_a_thread; ++k) {
        if (first + k >= frame.pixels()) break;
        labels[first + k] = numbers[k];
        clean[first + k] = kept_pixels[k];
      }
    }
  }

  const int count = before_chunk[max_chunks];
  for (std::int64_t record = count + std::int64_t{i}; record < capacity; record += threads) records[record] = {};
  if (i == 0) *table = {count, {}};
}

// ---- launchers ----

bool aligned(const void* p, std::uintptr_t bytes) {
  return reinterpret_cast<std::uintptr_t>(p) % bytes == 0;
}

}  // namespace

std::size_t workspace_bytes(const ComponentsParams& p) {
  const Frame frame{p.h, p.w};
  return parent_bytes(frame) + statistics_bytes(frame) + roots_bytes(frame) + sizeof(int) * max_chunks;
}

void clean_and_label(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, void* workspace,
                     const std::uint8_t* mask, const ComponentsParams& params, Stream stream) {
  PRECONDITION(params.h > 0 && params.w > 0);
  PRECONDITION((std::int64_t{params.w} + tile - 1) / tile * tile * params.h <= std::int64_t{1} << 30);
  PRECONDITION(params.capacity >= max_components(params));
  PRECONDITION(aligned(workspace, 16) && aligned(labels, 16) && aligned(clean, 4) && aligned(table, 8));
  const Frame frame{params.h, params.w};
  const Workspace work = place(workspace, frame);
  const auto over = [&](int blocks) {
    return Launch{.grid = {blocks}, .block = {threads_a_block}, .overlap_previous = true, .stream = stream};
  };
  const Launch tiles = over(frame.tiles_x() * frame.tiles_y());
  launch(join_in_tiles, tiles, work, mask, frame);
  if (frame.boundary_pixels() > 0)
    launch(join_tiles, over(ceil_div(frame.boundary_pixels(), threads_a_block)), work, mask, frame);
  launch(measure, tiles, work, mask, frame);
  launch(count_kept, over(frame.chunks()), work, frame, params.min_area);
  const int blocks = ceil_div(frame.pixels(), threads_a_block * pixels_a_thread);
  launch(write_labels, over(min(blocks, max_label_blocks)), clean, labels, table, work, frame, params.capacity);
}

Cost cost(const ComponentsParams& p) {
  const double pixels = double(p.h) * p.w, records = 1.0 + static_cast<double>(p.capacity);
  return {.bytes = pixels * (1 + 1 + 4) + records * sizeof(ComponentRecord)};
}

}  // namespace giemsa::kernels
