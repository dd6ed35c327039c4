// Basins by walking (see basins.h): a thread per grid cell steps to the greatest of its 8 neighbours until it stands on a
// summit. A step reads 9 labels and distances from L1 or L2. Cells are walked from the edge of their component to its
// middle, 22 steps at most in a white cell of the usual magnification, so that the latency of one such walk, a few
// microseconds, limits; pointers first and jumps after them would save half of the steps and cost a second launch.
#include "kernels/basins.h"

#include "kernels/channels.h"
#include "kernels/device.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256;

// A thread walks up from a grid cell. PRECOND: is_valid(grid).
__global__ void __launch_bounds__(threads_a_block)
    basins_kernel(std::int32_t* __restrict__ basins, const std::int32_t* __restrict__ labels,
                  const std::int32_t* __restrict__ distances, SplitGrid grid) {
  wait_for_previous_kernel();
  const int start = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  if (start >= grid.cells()) return;
  const int w = grid.w();
  int y = start / w, x = start - y * w, height = distances[start];
  if (height == 0) {
    basins[start] = 0;
    return;
  }
  const std::int32_t own = grid.label(labels, y, x);
  while (true) {
    int best_y = y, best_x = x;
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx) {
        if (!grid.contains(y + dy, x + dx)) continue;
        const int to = (y + dy) * w + x + dx, there = distances[to];
        const bool greater = there > height || (there == height && to < best_y * w + best_x);
        if (!greater || grid.label(labels, y + dy, x + dx) != own) continue;
        best_y = y + dy;
        best_x = x + dx;
        height = there;
      }
    if (best_y == y && best_x == x) break;
    y = best_y;
    x = best_x;
  }
  basins[start] = 1 + y * w + x;
}

}  // namespace

void basins(std::int32_t* basins, const std::int32_t* labels, const std::int32_t* distances, const SplitGrid& grid,
            Stream stream) {
  PRECONDITION(is_valid(grid));
  launch(basins_kernel,
         {.grid = {blocks_for(grid.cells(), threads_a_block)},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         basins, labels, distances, grid);
}

Cost basins_cost(const SplitGrid& grid) {
  return {.bytes = 3.0 * sizeof(std::int32_t) * grid.h() * grid.w()};
}

}  // namespace giemsa::kernels
