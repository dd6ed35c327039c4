// Step 5: loads run ahead of the arithmetic. Copies go from global to shared memory asynchronously, three steps of k
// before their use, into four stages; one barrier a step both publishes the oldest stage and frees the one before it.
//
// Against v4: no register holds what is in flight, and a block has 3 x 8 KiB under way instead of waiting for 8 KiB at
// a time: at 600 cycles from L2 that is 40 bytes per cycle, about what an SM gets from it, with one block alone. The
// tiles are swizzled: vector v of row r lies at v ^ (r / 2 % 4), so that eight rows of a matrix fall into all banks and
// ldmatrix takes 1 wavefront instead of 4, without the padding's eighth of shared memory. Requests and matrix
// instructions are v4's.
//
// What is left for the product: with M = 196 pixels there are as few as 4 x N / 64 blocks for 132 SMs. It splits K.
#include "kernels/conv2d_sums.h"
#include "kernels/ladder/conv2d_ladder.h"
#include "kernels/ladder/conv2d_vectors.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 128, tile = 64, step = 32, warp_tile = 32, stages = 4;
constexpr int vectors = step / 8, rows_a_pass = threads_a_block / vectors, passes = tile / rows_a_pass;

/// Where element `column`, a multiple of 8, of a row lies in it.
__device__ int swizzled(int row, int column) {
  return column ^ row / 2 % vectors * 8;
}

/// Adds the products of a step for the warp at (m, n) of the tile, as WarpSums::add_products() does of rows in order.
__device__ void add_products(WarpSums<warp_tile, warp_tile>& sums, Half (&rows)[2 * tile][step], int m, int n) {
  using Sums = WarpSums<warp_tile, warp_tile>;
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
#pragma unroll
  for (int k = 0; k < step; k += 16) {
    unsigned a[Sums::tiles_m][4], b[Sums::tiles_n][2];
#pragma unroll
    for (int i = 0; i < Sums::tiles_m; ++i) {
      const int row = m + i * 16 + lane % 16;
      load_matrices(a[i], &rows[row][swizzled(row, k + lane / 16 * 8)]);
    }
#pragma unroll
    for (int j = 0; j < Sums::tiles_n; j += 2) {
      const int row = tile + n + j * 8 + lane / 16 * 8 + lane % 8;
      unsigned pair[4];
      load_matrices(pair, &rows[row][swizzled(row, k + lane / 8 % 2 * 8)]);
      b[j][0] = pair[0];
      b[j][1] = pair[1];
      b[j + 1][0] = pair[2];
      b[j + 1][1] = pair[3];
    }
#pragma unroll
    for (int i = 0; i < Sums::tiles_m; ++i)
#pragma unroll
      for (int j = 0; j < Sums::tiles_n; ++j) mma_m16n8k16(sums.of[i][j], a[i], b[j]);
  }
}

// A block makes a tile of the output, a warp a quarter of it, a thread pairs of neighbouring channels.
// PRECOND: as check_preconditions(); by_vectors as its function; pairs: epilogue.accepts(2, group_out).
template <bool by_vectors>
__global__ void __launch_bounds__(threads_a_block)
    pipeline_kernel(Conv2dEpilogue<Half, Half> epilogue, const Half* input, const Half* weight, Conv2dParams p,
                    bool pairs) {
  __shared__ Shared<Half, stages, 2 * tile, step> shared;
  const int thread = static_cast<int>(threadIdx.x), warp = thread / warp_size;
  const int m = warp / 2 * warp_tile, n = warp % 2 * warp_tile;
  const int row = thread / vectors, column = thread % vectors * 8;
  const ladder::Operands operands(input, weight, p, tile, tile);
  Window windows[passes];
#pragma unroll
  for (int i = 0; i < passes; ++i) windows[i] = window_of(p, operands.first_pixel + row + i * rows_a_pass);

  int k = column;
  Tap tap = tap_at(p, column);
  const auto fetch = [&](int stage) {
#pragma unroll
    for (int i = 0; i < passes; ++i) {
      const int at = row + i * rows_a_pass;
      Half* const to = &shared[stage][at][swizzled(at, column)];
      if constexpr (by_vectors) {
        const int element = element_of(p, windows[i], tap);
        copy_async<16>(to, operands.input + max(element, 0), element >= 0);
      } else {
        store(to, operands.window_part<false>(p, windows[i], tap));
      }
      const Half* const from = operands.weight_at(p, at, k);
      copy_async<16>(&shared[stage][tile + at][swizzled(at, column)], from ? from : weight, from != nullptr);
    }
    k += step;
    advance(tap, step, p.group_in(), p.kernel.w);
  };

  WarpSums<warp_tile, warp_tile> sums;
  const int steps = ceil_div(p.depth(), step);
  for (int ahead = 0; ahead < stages - 1; ++ahead) {
    if (ahead < steps) fetch(ahead);
    commit_copies();
  }
  for (int i = 0; i < steps; ++i) {
    wait_copies<stages - 2>();
    sync_block();
    if (i + stages - 1 < steps) fetch((i + stages - 1) % stages);
    commit_copies();
    add_products(sums, shared[i % stages], m, n);
  }

  const int group_channel = static_cast<int>(blockIdx.z) * p.group_out() + static_cast<int>(blockIdx.y) * tile;
  sums.each_pair([&](int y, int x, const Vec<float, 2>& pair) {
    const int pixel = operands.first_pixel + m + y;
    if (pixel < p.pixels())
      epilogue.write_pair(pair, pixel, group_channel + n + x, operands.channels_left - n - x, pairs);
  });
}

}  // namespace

void conv2d_v5_pipeline(Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& p, Stream stream) {
  check_preconditions(inputs, p);
  const Conv2dEpilogue<Half, Half> epilogue = epilogue_of(output, inputs, p);
  launch(ladder::by_vectors(inputs, p) ? pipeline_kernel<true> : pipeline_kernel<false>,
         ladder::over_tiles(p, tile, tile, threads_a_block, stream), epilogue, inputs.input, inputs.weight, p,
         epilogue.accepts(2, p.group_out()));
}

}  // namespace giemsa::kernels
