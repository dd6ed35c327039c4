// Step 1: every cell first names the greatest cell around it and then, launch after launch, takes the name that this
// one has by now, until a launch changes nothing. As many launches as the longest way up has cells, 22 in a white cell,
// and after each the host must look at a flag before it may start the next: that round trip limits it.
#include <utility>

#include "kernels/device.h"
#include "kernels/ladder/read_back.h"
#include "kernels/ladder/split_ladder.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256;

/// 1 + the greatest cell of the same label around a cell, itself included; 0 in the background.
__device__ int greatest_around(const std::int32_t* labels, const std::int32_t* distances, const SplitGrid& grid,
                               int cell) {
  if (distances[cell] == 0) return 0;
  const int y = cell / grid.w(), x = cell - y * grid.w();
  const std::int32_t own = grid.label(labels, y, x);
  int greatest = cell;
  for (int dy = -1; dy <= 1; ++dy)
    for (int dx = -1; dx <= 1; ++dx) {
      if (!grid.contains(y + dy, x + dx) || grid.label(labels, y + dy, x + dx) != own) continue;
      const int to = (y + dy) * grid.w() + x + dx;
      if (distances[to] > distances[greatest] || (distances[to] == distances[greatest] && to < greatest)) greatest = to;
    }
  return 1 + greatest;
}

// A thread names the greatest cell around its own.
__global__ void __launch_bounds__(threads_a_block)
    name_neighbour(std::int32_t* names, const std::int32_t* labels, const std::int32_t* distances, SplitGrid grid) {
  const int cell = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  if (cell < grid.cells()) names[cell] = greatest_around(labels, distances, grid, cell);
}

// A thread takes the name that the greatest cell around its own has.
__global__ void __launch_bounds__(threads_a_block)
    take_name(std::int32_t* to, int* changed, const std::int32_t* from, const std::int32_t* labels,
              const std::int32_t* distances, SplitGrid grid) {
  const int cell = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  if (cell >= grid.cells()) return;
  const int above = greatest_around(labels, distances, grid, cell);
  const int name = above == 0 ? 0 : from[above - 1];
  if (name != from[cell]) *changed = 1;  // all that write it write the same
  to[cell] = name;
}

}  // namespace

void basins_v1_propagation(std::int32_t* basins, void* workspace, const std::int32_t* labels,
                           const std::int32_t* distances, const SplitGrid& grid, Stream stream) {
  const Launch cells{.grid = {ceil_div(grid.cells(), threads_a_block)}, .block = {threads_a_block}, .stream = stream};
  auto* other = static_cast<std::int32_t*>(workspace);
  int* changed = other + grid.cells();
  std::int32_t *names = basins, *spare = other;
  launch(name_neighbour, cells, names, labels, distances, grid);
  // The last launch changes nothing, so that both buffers hold the result.
  for (int more = 1; more != 0;) {
    fill_bytes(changed, 0, sizeof *changed, stream);
    launch(take_name, cells, spare, changed, names, labels, distances, grid);
    std::swap(names, spare);
    read_back(&more, changed, sizeof more, stream);
  }
}

}  // namespace giemsa::kernels
