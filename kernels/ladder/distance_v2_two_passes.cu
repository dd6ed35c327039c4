// Step 2: the square of a distance is a sum, so the nearest cell of each column comes first, and then the best column of
// each row. A cell looks no further than its distance in either pass.
//
// Against v1: reads fall from all cells to a few times the distance. But there are two launches that depend on each
// other, with the column distances in global memory between them, and rows read them from there again and again.
#include "kernels/device.h"
#include "kernels/ladder/split_ladder.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256;

// A thread makes a cell's distance within its column, which no result needs beyond the grid's width.
__global__ void __launch_bounds__(threads_a_block)
    distance_in_columns(int* columns, const std::int32_t* labels, SplitGrid grid) {
  const int cell = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  if (cell >= grid.cells()) return;
  const int y = cell / grid.w(), x = cell - y * grid.w();
  const std::int32_t own = grid.label(labels, y, x);
  int away = own == 0 ? 0 : 1;
  while (away > 0 && away <= grid.w() && y - away >= 0 && y + away < grid.h() &&
         grid.label(labels, y - away, x) == own && grid.label(labels, y + away, x) == own)
    ++away;
  columns[cell] = away;
}

// A thread makes a cell's distance of the column distances in its row.
__global__ void __launch_bounds__(threads_a_block)
    distance_in_rows(std::int32_t* distances, const int* columns, const std::int32_t* labels, SplitGrid grid) {
  const int cell = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  if (cell >= grid.cells()) return;
  const int y = cell / grid.w(), x = cell - y * grid.w();
  const std::int32_t own = grid.label(labels, y, x);
  int best = columns[cell] * columns[cell];
  for (int dx = 1; dx * dx < best; ++dx) {
    const bool left = x - dx >= 0 && grid.label(labels, y, x - dx) == own;
    const bool right = x + dx < grid.w() && grid.label(labels, y, x + dx) == own;
    if (!left || !right) {
      best = dx * dx;
      break;
    }
    const int nearer = min(columns[cell - dx], columns[cell + dx]);
    best = min(best, dx * dx + nearer * nearer);
  }
  distances[cell] = best;
}

}  // namespace

void distance_v2_two_passes(std::int32_t* distances, void* workspace, const std::int32_t* labels, const SplitGrid& grid,
                            Stream stream) {
  const Launch cells{.grid = {ceil_div(grid.cells(), threads_a_block)}, .block = {threads_a_block}, .stream = stream};
  int* columns = static_cast<int*>(workspace);
  launch(distance_in_columns, cells, columns, labels, grid);
  launch(distance_in_rows, cells, distances, columns, labels, grid);
}

}  // namespace giemsa::kernels
