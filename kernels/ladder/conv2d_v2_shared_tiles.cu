// Step 2: a block of 16 x 16 threads makes 16 pixels x 16 channels and reads both operands through shared memory.
//
// Against v1: 16 steps of k of 16 pixels and 16 channels are 512 elements, read once for 4096 multiply-adds: 0.25 bytes
// a multiply-add instead of 33. A row of 16 halves is one sector, wholly used. What limits now is shared memory: each
// multiply-add reads two elements from it, and the weight's 16 rows lie 8 words apart, so that four lanes' words share
// a bank: 4 wavefronts for the weight, 1 for the window, per 32 multiply-adds.
#include "kernels/conv2d_parts.h"
#include "kernels/ladder/conv2d_ladder.h"

namespace giemsa::kernels {

namespace {

constexpr int tile = 16;  // pixels, channels and steps of k alike

// A block makes a tile of the output, a thread one element of it. Groups are the grid's z.
// PRECOND: as check_preconditions().
__global__ void __launch_bounds__(tile* tile)
    shared_tiles_kernel(Conv2dEpilogue<Half, Half> epilogue, const Half* input, const Half* weight, Conv2dParams p) {
  __shared__ Shared<Half, tile, tile> windows, weights;
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y), group = static_cast<int>(blockIdx.z);
  const int pixel = static_cast<int>(blockIdx.x) * tile + y;
  const int first_channel = static_cast<int>(blockIdx.y) * tile;
  const Window window = window_of(p, pixel);
  const bool has_row = first_channel + y < p.group_out();  // of the weight, which this thread fetches
  const Half* const row = weight + (group * p.group_out() + (has_row ? first_channel + y : 0)) * p.packed_depth();

  float sum = 0;
  Tap tap = tap_at(p, x);
  for (int k = x; k - x < p.depth(); k += tile) {
    const int element = element_of(p, window, tap);
    windows[y][x] = element >= 0 ? load_constant<1>(input + group * p.group_in() + element)[0] : Half{};
    weights[y][x] = has_row && k < p.packed_depth() ? load_constant<1>(row + k)[0] : Half{};
    sync_block();
    for (int i = 0; i < tile; ++i) sum += to_float(load<1>(&windows[y][i])[0]) * to_float(load<1>(&weights[x][i])[0]);
    sync_block();
    advance(tap, tile, p.group_in(), p.kernel.w);
  }
  if (pixel < p.pixels() && first_channel + x < p.group_out())
    epilogue.write<1>({{sum}}, pixel, group * p.group_out() + first_channel + x);
}

}  // namespace

void conv2d_v2_shared_tiles(Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& p, Stream stream) {
  check_preconditions(inputs, p);
  const Launch how{.grid = {ceil_div(p.pixels(), tile), ceil_div(p.group_out(), tile), p.groups},
                   .block = {tile, tile},
                   .stream = stream};
  PRECONDITION(how.grid.y < 1 << 16 && how.grid.z < 1 << 16);
  launch(shared_tiles_kernel, how, epilogue_of(output, inputs, p), inputs.input, inputs.weight, p);
}

}  // namespace giemsa::kernels
