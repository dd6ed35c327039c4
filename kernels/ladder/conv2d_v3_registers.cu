// Step 3: a thread makes 4 pixels x 4 channels in registers; a block 64 x 64; loads are of 16 bytes.
//
// Against v2: a step of 16 k reads (64 + 64) x 16 halves for 64 x 64 x 16 multiply-adds: 0.06 bytes per multiply-add, a
// quarter. From shared memory a thread takes 4 + 4 values for 16 multiply-adds where it took 2 for 1. They lie there as
// fp32 and with k as rows, so that 4 neighbours are one load of 16 bytes and nothing is converted in the inner loop: 8
// wavefronts for the 512 multiply-adds of a warp, against 80. A row of 68 floats keeps those loads aligned and
// conflict-free; the stores that transpose a tile collide in pairs, once for 64 uses. Fused multiply-adds limit it now,
// at fp32's rate.
#include "kernels/ladder/conv2d_ladder.h"
#include "kernels/ladder/conv2d_vectors.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256, tile = 64, step = 16, own = 4;  // own: pixels, and channels, of a thread
constexpr int row = tile + own;
static_assert(2 * tile * step / 8 == threads_a_block && (tile / own) * (tile / own) == threads_a_block);

// A block makes a tile of the output, a thread 4 x 4 elements of it. In a step a thread fetches eight k: the first half
// of the block of a window, the second of a channel's weight.
// PRECOND: as check_preconditions(); by_vectors as its function; four: epilogue.accepts(4, group_out).
template <bool by_vectors>
__global__ void __launch_bounds__(threads_a_block)
    registers_kernel(Conv2dEpilogue<Half, Half> epilogue, const Half* input, const Half* weight, Conv2dParams p,
                     bool four) {
  __shared__ Shared<float, step, row> windows, weights;
  const int thread = static_cast<int>(threadIdx.x), x = thread % (tile / own) * own, y = thread / (tile / own) * own;
  const ladder::Operands operands(input, weight, p, tile, tile);
  const bool fetches_window = thread < threads_a_block / 2;
  const int fetched_row = thread / 2 % tile, fetched_k = thread % 2 * 8;
  const Window window = window_of(p, operands.first_pixel + fetched_row);

  float sums[own][own] = {};
  Tap tap = tap_at(p, fetched_k);
  for (int k = 0; k < p.depth(); k += step) {
    const Vec<Half, 8> part = fetches_window ? operands.window_part<by_vectors>(p, window, tap)
                                             : operands.weight_part(p, fetched_row, k + fetched_k);
    float* const to = fetches_window ? &windows[fetched_k][fetched_row] : &weights[fetched_k][fetched_row];
#pragma unroll
    for (int i = 0; i < 8; ++i) to[i * row] = to_float(part[i]);
    sync_block();
#pragma unroll
    for (int i = 0; i < step; ++i) {
      const Vec<float, own> a = load<own>(&windows[i][y]), b = load<own>(&weights[i][x]);
#pragma unroll
      for (int m = 0; m < own; ++m)
#pragma unroll
        for (int n = 0; n < own; ++n) sums[m][n] += a[m] * b[n];
    }
    sync_block();
    advance(tap, step, p.group_in(), p.kernel.w);
  }

  const int channel = static_cast<int>(blockIdx.z) * p.group_out() + static_cast<int>(blockIdx.y) * tile + x;
#pragma unroll
  for (int m = 0; m < own; ++m) {
    const int pixel = operands.first_pixel + y + m;
    if (pixel >= p.pixels() || x >= operands.channels_left) continue;
    if (four) {
      epilogue.write<own>({{sums[m][0], sums[m][1], sums[m][2], sums[m][3]}}, pixel, channel);
      continue;
    }
#pragma unroll
    for (int n = 0; n < own; ++n)
      if (x + n < operands.channels_left) epilogue.write<1>({{sums[m][n]}}, pixel, channel + n);
  }
}

}  // namespace

void conv2d_v3_registers(Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& p, Stream stream) {
  check_preconditions(inputs, p);
  const Conv2dEpilogue<Half, Half> epilogue = epilogue_of(output, inputs, p);
  launch(ladder::by_vectors(inputs, p) ? registers_kernel<true> : registers_kernel<false>,
         ladder::over_tiles(p, tile, tile, threads_a_block, stream), epilogue, inputs.input, inputs.weight, p,
         epilogue.accepts(own, p.group_out()));
}

}  // namespace giemsa::kernels
