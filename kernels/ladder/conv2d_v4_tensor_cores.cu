// Step 4: matrix instructions. A block of four warps makes 64 x 64, a warp 32 x 32 by mma.m16n8k16.
//
// Against v3: an instruction does 2048 multiply-adds where a warp's fused multiply-add does 32. Operands stay fp16 in
// shared memory, in rows of 32 k just as they come, and ldmatrix hands 16 x 16 of them out at once: a warp loads 2 KiB
// + 2 KiB per step for 32 x 32 x 32 multiply-adds. Cache requests stay at 0.06 bytes per multiply-add. Rows of 64
// bytes put the eight rows of a matrix into two groups of banks: 4 wavefronts where 1 would do. And every step waits
// for its loads, all of it: nothing runs between the request and the barrier. That latency limits it.
#include "kernels/conv2d_sums.h"
#include "kernels/ladder/conv2d_ladder.h"
#include "kernels/ladder/conv2d_vectors.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 128, tile = 64, step = 32, warp_tile = 32;
constexpr int vectors = step / 8, rows_a_pass = threads_a_block / vectors, passes = tile / rows_a_pass;

// A block makes a tile of the output, a warp a quarter of it, a thread pairs of neighbouring channels.
// PRECOND: as check_preconditions(); by_vectors as its function; pairs: epilogue.accepts(2, group_out).
template <bool by_vectors>
__global__ void __launch_bounds__(threads_a_block)
    tensor_cores_kernel(Conv2dEpilogue<Half, Half> epilogue, const Half* input, const Half* weight, Conv2dParams p,
                        bool pairs) {
  __shared__ Shared<Half, tile, step> windows, weights;
  const int thread = static_cast<int>(threadIdx.x), warp = thread / warp_size;
  const int m = warp / 2 * warp_tile, n = warp % 2 * warp_tile;
  const int row = thread / vectors, column = thread % vectors * 8;
  const ladder::Operands operands(input, weight, p, tile, tile);

  WarpSums<warp_tile, warp_tile> sums;
  Tap tap = tap_at(p, column);
  for (int k = 0; k < p.depth(); k += step) {
#pragma unroll
    for (int i = 0; i < passes; ++i) {
      const int at = row + i * rows_a_pass;
      const Window window = window_of(p, operands.first_pixel + at);
      store(&windows[at][column], operands.window_part<by_vectors>(p, window, tap));
      store(&weights[at][column], operands.weight_part(p, at, k + column));
    }
    sync_block();
    sums.add_products<step, step>(&windows[m][0], &weights[n][0]);
    sync_block();
    advance(tap, step, p.group_in(), p.kernel.w);
  }

  const int group_channel = static_cast<int>(blockIdx.z) * p.group_out() + static_cast<int>(blockIdx.y) * tile;
  sums.each_pair([&](int y, int x, const Vec<float, 2>& pair) {
    const int pixel = operands.first_pixel + m + y;
    if (pixel < p.pixels())
      epilogue.write_pair(pair, pixel, group_channel + n + x, operands.channels_left - n - x, pairs);
  });
}

}  // namespace

void conv2d_v4_tensor_cores(Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& p, Stream stream) {
  check_preconditions(inputs, p);
  const Conv2dEpilogue<Half, Half> epilogue = epilogue_of(output, inputs, p);
  launch(ladder::by_vectors(inputs, p) ? tensor_cores_kernel<true> : tensor_cores_kernel<false>,
         ladder::over_tiles(p, tile, tile, threads_a_block, stream), epilogue, inputs.input, inputs.weight, p,
         epilogue.accepts(2, p.group_out()));
}

}  // namespace giemsa::kernels
