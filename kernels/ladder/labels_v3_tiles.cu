// Step 3: trees grow within tiles of 32 x 32 pixels in shared memory; then a thread a pixel of the tiles' boundaries
// joins across them in global memory. Still one colour after the other.
//
// Against v2: the 1024 pixels of a tile join on chip, where a step of a walk takes some 30 cycles rather than hundreds,
// and 64 of them at its boundaries, between trees that are two levels high when they meet. Global memory sees each
// pixel's parent written once a colour. What is left are ten launches, each waiting for the one before it, and the six
// atomics per pixel of labels_finish.cu.
#include "kernels/ladder/labels_parts.h"

namespace giemsa::kernels {

namespace {

using namespace ladder;
using components::GlobalForest;
using components::SharedForest;
using components::tile;

/// Whether a pixel has the colour that is labelled. The foreground's is asked once holes are known.
template <bool foreground>
__device__ bool takes_part(const LabelsWork& work, const std::uint8_t* mask, int pixel) {
  if constexpr (foreground)
    return mask[pixel] != 0 || components::find(work.background, 1 + pixel) != outside;
  else
    return mask[pixel] == 0;
}

// A block joins the pixels of one colour in a tile, a thread of every eighth row, and writes their roots as parents.
// Those of the other colour become their own parents (background) or outside (foreground).
template <bool foreground>
__global__ void __launch_bounds__(threads_a_block)
    join_in_tiles(LabelsWork work, const std::uint8_t* mask, Frame frame) {
  __shared__ Shared<int, 1 + tile * tile> parent;  // outside, then pixels; -1: of the other colour
  const int x0 = static_cast<int>(blockIdx.x) % frame.tiles_x() * tile;
  const int y0 = static_cast<int>(blockIdx.x) / frame.tiles_x() * tile;
  const int column = static_cast<int>(threadIdx.x) % tile, first_row = static_cast<int>(threadIdx.x) / tile;
  constexpr int rows_a_pass = threads_a_block / tile;
  int* const to = foreground ? work.parent : work.background;

  if (threadIdx.x == 0) parent[outside] = outside;
  if (blockIdx.x == 0 && threadIdx.x == 0) to[outside] = outside;
  unsigned own = 0;  // which of this thread's pixels take part
  for (int row = first_row; row < tile; row += rows_a_pass) {
    const int y = y0 + row, x = x0 + column, local = 1 + row * tile + column;
    const bool inside = y < frame.h && x < frame.w;
    const bool takes = inside && takes_part<foreground>(work, mask, y * frame.w + x);
    if (takes) own |= 1u << row;
    parent[local] = !takes ? -1 : !foreground && at_edge(frame, y * frame.w + x) ? outside : local;
  }
  sync_block();

  const SharedForest forest{parent.data()};
  for (int row = first_row; row < tile; row += rows_a_pass) {
    if (!(own >> row & 1)) continue;
    const int local = 1 + row * tile + column;
    const auto join = [&](int other) {
      if (atomic_or(&parent[other], 0) >= 0) components::unite(forest, local, other);
    };
    if (column > 0) join(local - 1);
    if (row > 0) join(local - tile);
    if (foreground && row > 0 && column > 0) join(local - tile - 1);
    if (foreground && row > 0 && column + 1 < tile) join(local - tile + 1);
  }
  sync_block();

  for (int row = first_row; row < tile; row += rows_a_pass) {
    const int y = y0 + row, x = x0 + column;
    if (y >= frame.h || x >= frame.w) continue;
    int root = foreground ? outside : frame.node(y, x);
    if (own >> row & 1) {
      const int found = components::find(parent.data(), 1 + row * tile + column);
      root = found == outside ? outside : frame.node(y0 + (found - 1) / tile, x0 + (found - 1) % tile);
    }
    to[frame.node(y, x)] = root;
  }
}

// A thread joins one pixel below or right of a boundary between tiles with those on the other side.
template <bool foreground>
__global__ void __launch_bounds__(threads_a_block) join_tiles(LabelsWork work, const std::uint8_t* mask, Frame frame) {
  int i = own_pixel();
  if (i >= frame.boundary_pixels()) return;
  const int below = (frame.tiles_y() - 1) * frame.w;  // pixels below a boundary; the others are right of one
  const bool vertical = i >= below;
  if (vertical) i -= below;
  const int length = vertical ? frame.h : frame.w, along = vertical ? frame.w : 1, across = vertical ? 1 : frame.w;
  const int position = i % length, pixel = position * along + (i / length + 1) * tile * across;

  int* const parent = foreground ? work.parent : work.background;
  const auto takes = [&](int p) { return foreground ? parent[1 + p] != outside : mask[p] == 0; };
  if (!takes(pixel)) return;
  const auto join = [&](int other) {
    if (takes(other)) components::unite(GlobalForest{parent}, 1 + pixel, 1 + other);
  };
  const int opposite = pixel - across;
  join(opposite);
  if (foreground && position > 0) join(opposite - along);
  if (foreground && position + 1 < length) join(opposite + along);
}

template <bool foreground>
void label(const LabelsWork& work, const std::uint8_t* mask, const Frame& frame, Stream stream) {
  const auto over = [&](int blocks) { return Launch{.grid = {blocks}, .block = {threads_a_block}, .stream = stream}; };
  launch(join_in_tiles<foreground>, over(frame.tiles_x() * frame.tiles_y()), work, mask, frame);
  if (frame.boundary_pixels() > 0)
    launch(join_tiles<foreground>, over(ceil_div(frame.boundary_pixels(), threads_a_block)), work, mask, frame);
}

}  // namespace

void labels_v3_tiles(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, void* workspace,
                     const std::uint8_t* mask, const ComponentsParams& params, Stream stream) {
  const Frame frame{params.h, params.w};
  const LabelsWork work = place(workspace, clean, mask, params);
  label<false>(work, mask, frame, stream);
  label<true>(work, mask, frame, stream);
  finish(clean, labels, table, work, params, stream);
}

}  // namespace giemsa::kernels
