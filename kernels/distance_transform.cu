// The squared distance transform (see distance_transform.h) by two passes in one launch: the distance within each
// column, then over a row the minimum of dx^2 + column^2.
//
// A block makes a row of the grid. It finds each cell's column distance by looking up and down from the cell, which costs
// as many reads as the distance, 22 at most in a white cell of the usual magnification, against the second launch that a
// pass over whole columns would take: at 180x144 cells the gap between two dependent launches exceeds those reads, all of
// them neighbours in a row and in L1 or L2. The row then lies in shared memory, 2 bytes per cell, and each cell looks
// left and right only as far as its distance reaches. A cell's work is therefore O(distance), whatever the mask's width.
//
// Labels need no background between them: a run of a row is one label, the cells beside it are at column distance 0.
#include "kernels/distance_transform.h"

#include "kernels/channels.h"
#include "kernels/device.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256;
constexpr unsigned begins_run = 0x8000;  // a cell whose left neighbour is of another label, or beyond the edge

/// How far up or down the nearest cell of another label is; at most one more than the grid's width, as no distance
/// exceeds half of that.
__device__ int column_distance(const std::int32_t* labels, const SplitGrid& grid, int y, int x, std::int32_t own) {
  const int farthest = grid.w() + 1;
  for (int away = 1; away < farthest; ++away) {
    if (y - away < 0 || y + away >= grid.h()) return away;
    if (grid.label(labels, y - away, x) != own || grid.label(labels, y + away, x) != own) return away;
  }
  return farthest;
}

// A block makes a row of the grid, then those a grid of blocks further down; a thread every 256th cell of it.
// PRECOND: is_valid(grid); dynamic shared memory holds grid.w() + 1 numbers of 16 bits.
__global__ void __launch_bounds__(threads_a_block)
    distance_transform_kernel(std::int32_t* __restrict__ distances, const std::int32_t* __restrict__ labels,
                              SplitGrid grid) {
  std::uint16_t* row = dynamic_shared<std::uint16_t>();  // column distances, and begins_run
  wait_for_previous_kernel();
  const int w = grid.w(), thread = static_cast<int>(threadIdx.x);
  for (int y = static_cast<int>(blockIdx.x); y < grid.h(); y += static_cast<int>(gridDim.x)) {
    for (int x = thread; x < w; x += threads_a_block) {
      const std::int32_t own = grid.label(labels, y, x);
      const bool begins = x == 0 || grid.label(labels, y, x - 1) != own;
      const int column = own == 0 ? 0 : column_distance(labels, grid, y, x, own);
      row[x] = static_cast<std::uint16_t>(static_cast<unsigned>(column) | (begins ? begins_run : 0));
    }
    if (thread == 0) row[w] = begins_run;
    sync_block();
    for (int x = thread; x < w; x += threads_a_block) {
      const auto column = [&](int at) { return static_cast<int>(row[at] & (begins_run - 1)); };
      int best = column(x) * column(x);
      for (int dx = 1; dx * dx < best; ++dx) {
        if ((row[x - dx + 1] & begins_run) != 0 || (row[x + dx] & begins_run) != 0) {
          best = dx * dx;
          break;
        }
        const int nearer = min(column(x - dx), column(x + dx));
        best = min(best, dx * dx + nearer * nearer);
      }
      distances[y * w + x] = best;
    }
    sync_block();
  }
}

}  // namespace

void distance_transform(std::int32_t* distances, const std::int32_t* labels, const SplitGrid& grid, Stream stream) {
  PRECONDITION(is_valid(grid));
  constexpr int max_blocks = 65535;
  launch(distance_transform_kernel,
         {.grid = {min(grid.h(), max_blocks)},
          .block = {threads_a_block},
          .shared_bytes = sizeof(std::uint16_t) * static_cast<std::size_t>(grid.w() + 1),
          .overlap_previous = true,
          .stream = stream},
         distances, labels, grid);
}

Cost distance_transform_cost(const SplitGrid& grid) {
  return {.bytes = 2.0 * sizeof(std::int32_t) * grid.h() * grid.w()};
}

}  // namespace giemsa::kernels
