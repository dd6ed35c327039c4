// Step 1: every cell looks at every other, 4 bytes and three operations a pair. Quadratic in the cells: 672 million pairs
// at 180x144, though nearly all of them are further apart than any distance.
#include "kernels/device.h"
#include "kernels/ladder/split_ladder.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256;

// A thread makes a cell's distance.
__global__ void __launch_bounds__(threads_a_block)
    distance_by_pairs(std::int32_t* distances, const std::int32_t* labels, SplitGrid grid) {
  const int cell = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  if (cell >= grid.cells()) return;
  const int y = cell / grid.w(), x = cell - y * grid.w();
  const std::int32_t own = grid.label(labels, y, x);
  const int edge = min(min(y + 1, grid.h() - y), min(x + 1, grid.w() - x));
  int best = own == 0 ? 0 : edge * edge;
  for (int to_y = 0; own != 0 && to_y < grid.h(); ++to_y)
    for (int to_x = 0; to_x < grid.w(); ++to_x)
      if (grid.label(labels, to_y, to_x) != own)
        best = min(best, (to_y - y) * (to_y - y) + (to_x - x) * (to_x - x));
  distances[cell] = best;
}

}  // namespace

void distance_v1_pairs(std::int32_t* distances, void*, const std::int32_t* labels, const SplitGrid& grid, Stream stream) {
  launch(distance_by_pairs,
         {.grid = {ceil_div(grid.cells(), threads_a_block)}, .block = {threads_a_block}, .stream = stream}, distances,
         labels, grid);
}

}  // namespace giemsa::kernels
