// What the kernels of components.cu share: the mask's geometry, their workspace, union-find, and a sum over a
// block.
//
// Every set's root is its first pixel in raster order: sets join under the smaller index, with atomicMin (Playne and
// Hawick, "A new algorithm for parallel connected-component labelling on GPUs", TPDS 2018). What reaches the edge of
// the mask joins node 0, "outside", the smallest of all.
//
// Why holes need no second union-find: left of a hole's first pixel lies the component around it (an island in the
// hole would have the hole above it, hence earlier), and left of an island's first pixel lies the hole that it is in.
// So climbing from a root to its left neighbour leads outwards, until the background there is "outside".
#pragma once

#include "kernels/device.h"

namespace giemsa::kernels::components {

inline constexpr int tile = 32, threads_a_block = 256, warps_a_block = threads_a_block / warp_size;
inline constexpr int max_chunks = threads_a_block;  // write_labels scans their counts, one per thread
inline constexpr int outside = 0;                   // the node that stands for what is beyond the edge
static_assert(tile == warp_size);

/// The mask's geometry. Pixel (y, x) is node 1 + y w + x.
struct Frame {
  int h, w;

  constexpr int pixels() const { return h * w; }
  constexpr int tiles_x() const { return ceil_div(w, tile); }
  constexpr int tiles_y() const { return ceil_div(h, tile); }
  constexpr int words() const { return h * tiles_x(); }
  constexpr int words_a_thread() const { return ceil_div(words(), max_chunks * threads_a_block); }
  constexpr int words_a_chunk() const { return words_a_thread() * threads_a_block; }
  constexpr int chunks() const { return ceil_div(words(), words_a_chunk()); }
  constexpr int boundary_pixels() const { return (tiles_y() - 1) * w + (tiles_x() - 1) * h; }
  constexpr int cells() const { return ceil_div(h, 2) * ceil_div(w, 2); }

  constexpr int node(int y, int x) const { return 1 + y * w + x; }
  constexpr int y_of(int node) const { return (node - 1) / w; }
  constexpr int x_of(int node) const { return (node - 1) % w; }
  /// No two components, not even of one tile, share a 2x2 cell: each has one for its Statistics.
  constexpr int cell(int node) const { return y_of(node) / 2 * ceil_div(w, 2) + x_of(node) / 2; }
};

/// Of a component. Its top is the row of its root.
struct Statistics {
  unsigned long long sum_x, sum_y;
  int area, left, right, bottom;  // right and bottom belong to it
};

/// 32 pixels of a row.
struct RootWord {
  unsigned bits;  ///< which pixels are roots
  int before;     ///< bits set before this word, in its chunk
};

struct Workspace {
  int* parent;  ///< of nodes; that of node 1 is aligned to 16 bytes
  Statistics* statistics;
  RootWord* roots;
  int* kept_in_chunk;
};

constexpr std::size_t aligned_size(std::size_t bytes) {
  return ceil_div(bytes, std::size_t{256}) * 256;
}
inline std::size_t parent_bytes(const Frame& frame) {  // three unused, node 0, and pixels up to a full vector
  return aligned_size(sizeof(int) * static_cast<std::size_t>(4 + ceil_div(frame.pixels(), 4) * 4));
}
inline std::size_t statistics_bytes(const Frame& frame) {
  return aligned_size(sizeof(Statistics) * static_cast<std::size_t>(frame.cells()));
}
inline std::size_t roots_bytes(const Frame& frame) {
  return aligned_size(sizeof(RootWord) * static_cast<std::size_t>(frame.words()));
}

inline Workspace place(void* memory, const Frame& frame) {
  auto* at = static_cast<std::byte*>(memory);
  Workspace work{};
  work.parent = reinterpret_cast<int*>(at) + 3;
  work.statistics = reinterpret_cast<Statistics*>(at += parent_bytes(frame));
  work.roots = reinterpret_cast<RootWord*>(at += statistics_bytes(frame));
  work.kept_in_chunk = reinterpret_cast<int*>(at + roots_bytes(frame));
  return work;
}

// ---- forests ----

/// Parents in shared memory. Others join sets meanwhile, so that only atomics may look at them.
struct SharedForest {
  int* parent;

  __device__ int find(int node) const {
    for (int next; (next = atomic_or(parent + node, 0)) != node;) node = next;
    return node;
  }
};

/// Parents in global memory. A read may be late, but whatever was once an ancestor is one for ever. Halves the paths
/// that it walks.
struct GlobalForest {
  int* parent;

  __device__ int find(int node) const {
    for (int next; (next = parent[node]) != node;) {
      const int above = parent[next];
      if (above != next) parent[node] = above;
      node = above;
    }
    return node;
  }
};

/// Joins the sets of a and b. Where `high` was no root any more, its former parent is joined instead: nothing is lost.
template <class Forest>
__device__ void unite(const Forest& forest, int a, int b) {
  while (true) {
    a = forest.find(a);
    b = forest.find(b);
    if (a == b) return;
    const int high = max(a, b), low = min(a, b);
    const int former = atomic_min(forest.parent + high, low);
    if (former == high) return;
    a = former;
    b = low;
  }
}

__device__ inline __device__ int find(const int* parent, int node) {
  for (int next; (next = parent[node]) != node;) node = next;
  return node;
}

/// The root of the outermost component around `node`, or outside. While other threads point roots at what this
/// returns for them, a walk may skip levels.
__device__ inline __device__ int outermost(const int* parent, const std::uint8_t* mask, const Frame& frame, int node) {
  while (true) {
    node = find(parent, node);
    if (node == outside) return outside;
    if (mask[node - 1] == 0) {  // a hole
      --node;
      continue;
    }
    if (frame.x_of(node) == 0) return node;
    const int left = find(parent, node - 1);
    if (left == outside) return node;
    node = left;
  }
}

/// Sum of `value` over the threads before this one. By all threads of a block; `of_warp` is shared: one for each of
/// its warps.
__device__ inline int sum_before(int value, int* of_warp) {
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

}  // namespace giemsa::kernels::components
