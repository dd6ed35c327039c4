// Dense fp16 convolution on tensor cores (see conv2d.h): an implicit GEMM, M x N x K = pixels x group_out x depth.
//
// It moves the input, the weight and the output once, at best, and computes 2 M N K flops. At batch 1 the late layers
// of a segmentation network are small: M = 196 at 224x224 and output stride 16, N = 256 to 2048, K = 256 to 4608. One
// tile of 128x64 an SM then leaves most of 132 SMs idle and each block a long chain of dependent steps, so latency
// limits it; hence smaller tiles and the splitting of K. Large maps are limited by what a tile reads from L2, which
// larger tiles lessen.
//
//   tile          warps   of a warp   stages   shared memory   for
//   128x64x32     2x2     64x32       3        45 KiB          large maps: 43 flops a byte read, against 32 and 21
//    64x64x32     2x2     32x32       4        40 KiB          the middle
//    32x64x64     1x4     32x16       3        41 KiB          few pixels: half the barriers a k
//
// The window matrix is never written: a thread fetches 8 channels of a window's tap straight into its place in the
// tile. Both operands lie in shared memory as rows of k, padded by 16 bytes so that eight rows of a matrix fragment
// fall into different banks. Copies run stages - 1 steps ahead, and one barrier a step both publishes the oldest stage
// and frees the one before it. Channels not in eights (an image's three) come by elements through registers: K stays
// dense there, 147 for a 7x7 stem rather than the 392 of channels padded to 8.
#include "kernels/conv2d_sums.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 128;

template <int m_, int n_, int k_, int warps_m_, int stages_>
struct Tile {
  static constexpr int m = m_, n = n_, k = k_, stages = stages_;
  static constexpr int row = k + 8;  // in shared memory, with its padding
  static constexpr int warps_m = warps_m_, warps_n = threads_a_block / warp_size / warps_m;
  static constexpr int warp_m = m / warps_m, warp_n = n / warps_n;            // what a warp makes of it
  static constexpr int vectors = k / 8;                                       // of 8 elements, in a row
  static constexpr int rows_a_pass = threads_a_block / vectors;               // that the block's threads fetch at once
  static constexpr int fetch_m = m / rows_a_pass, fetch_n = n / rows_a_pass;  // rows that a thread fetches
  static_assert(warp_m % 16 == 0 && warp_n % 16 == 0 && k % 16 == 0);
  static_assert(stages * (m + n) * row * sizeof(Half) <= 48 << 10);
};

/// Stages of the window matrix's rows, then the weight's.
template <class T>
using Stages = Shared<Half, T::stages, T::m + T::n, T::row>;

/// What one block multiplies. Groups and splits share the grid's z.
struct Block {
  int first_pixel, first_channel;  // the channel counts from the group's first
  int group, split;
  int first_step, steps;  // of k, of this split
};

template <class T>
__device__ Block this_block(const Conv2dParams& p, int splits) {
  const int z = static_cast<int>(blockIdx.z), group = z / splits, split = z - group * splits;
  const int steps = ceil_div(p.depth(), T::k), first = steps * split / splits;
  return {static_cast<int>(blockIdx.x) * T::m, static_cast<int>(blockIdx.y) * T::n, group, split, first,
          steps * (split + 1) / splits - first};
}

/// A thread's part in filling the stages: the same 8 of k in every few rows of both operands, step by step.
template <class T, bool by_vectors>
struct Fetcher {
  const Half *input, *weight;  // the group's
  Window windows[T::fetch_m];
  Tap tap;
  int k, row, column;  // within K; within the tile
  int channels_left;   // of the weight's rows, from the tile's first
  int group_in, packed_depth;

  __device__ Fetcher(const Half* all_input, const Half* all_weight, const Conv2dParams& p, const Block& block) {
    const int thread = static_cast<int>(threadIdx.x);
    row = thread / T::vectors;
    column = thread % T::vectors * 8;
    k = block.first_step * T::k + column;
    tap = tap_at(p, k);
    group_in = p.group_in();
    packed_depth = p.packed_depth();
    channels_left = p.group_out() - block.first_channel;
    input = all_input + block.group * group_in;
    weight = all_weight + (block.group * p.group_out() + block.first_channel) * packed_depth;
#pragma unroll
    for (int i = 0; i < T::fetch_m; ++i) windows[i] = window_of(p, block.first_pixel + row + i * T::rows_a_pass);
  }

  /// Starts to fill `stage` and goes on to the next k.
  __device__ void fetch(Stages<T>& shared, int stage, const Conv2dParams& p) {
#pragma unroll
    for (int i = 0; i < T::fetch_m; ++i) {
      Half* to = &shared[stage][row + i * T::rows_a_pass][column];
      if constexpr (by_vectors) {
        const int element = element_of(p, windows[i], tap);
        copy_async<16>(to, input + max(element, 0), element >= 0);
      } else {
        store(to, gather(p, windows[i]));
      }
    }
#pragma unroll
    for (int i = 0; i < T::fetch_n; ++i) {
      const int channel = row + i * T::rows_a_pass;
      const bool take = channel < channels_left && k < packed_depth;
      copy_async<16>(&shared[stage][T::m + channel][column], weight + (take ? channel * packed_depth + k : 0), take);
    }
    k += T::k;
    advance(tap, T::k, group_in, p.kernel.w);
  }

  __device__ Vec<Half, 8> gather(const Conv2dParams& p, const Window& window) const {
    Vec<Half, 8> values{};
    Tap at = tap;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int element = element_of(p, window, at);
      if (element >= 0) values[i] = load_constant<1>(input + element)[0];
      advance(at, 1, group_in, p.kernel.w);
    }
    return values;
  }
};

// A block makes a tile of the output, or one split's part of its sums; a warp warp_m x warp_n of it; a thread pairs of
// neighbouring channels. Split s writes to epilogue.output + s * split_stride.
// PRECOND: as check_preconditions() and start(); by_vectors: group_in, input_pixel_stride and input are multiples of 8
// elements; pairs: epilogue.accepts(2, group_out).
template <class T, bool by_vectors, class Out>
__global__ void __launch_bounds__(threads_a_block)
    conv2d_kernel(Conv2dEpilogue<Out, Half> epilogue, const Half* input, const Half* weight, Conv2dParams p, int splits,
                  int split_stride, bool pairs) {
  __shared__ Shared<Half, T::stages, T::m + T::n, T::row> shared;
  wait_for_previous_kernel();
  let_next_kernel_start();
  const Block block = this_block<T>(p, splits);
  Fetcher<T, by_vectors> fetcher(input, weight, p, block);
  const int warp = static_cast<int>(threadIdx.x) / warp_size;
  const int m = warp / T::warps_n * T::warp_m, n = warp % T::warps_n * T::warp_n;

  WarpSums<T::warp_m, T::warp_n> sums;
  for (int step = 0; step < T::stages - 1; ++step) {
    if (step < block.steps) fetcher.fetch(shared, step, p);
    commit_copies();
  }
  int reading = 0, writing = T::stages - 1;
  for (int step = 0; step < block.steps; ++step) {
    wait_copies<T::stages - 2>();
    sync_block();
    if (step + T::stages - 1 < block.steps) fetcher.fetch(shared, writing, p);
    commit_copies();
    sums.template add_products<T::k, T::row>(&shared[reading][m][0], &shared[reading][T::m + n][0]);
    writing = reading;
    reading = reading + 1 == T::stages ? 0 : reading + 1;
  }

  epilogue.output += block.split * split_stride;
  sums.each_pair([&](int row, int column, const Vec<float, 2>& pair) {
    const int pixel = block.first_pixel + m + row, channel = block.first_channel + n + column;
    if (pixel < p.pixels())
      epilogue.write_pair(pair, pixel, block.group * p.group_out() + channel, p.group_out() - channel, pairs);
  });
}

template <class T, class Out>
void start_tile(const Conv2dEpilogue<Out, Half>& epilogue, const Conv2dInputs<Half>& inputs, const Conv2dParams& p,
                int splits, Stream stream) {
  const Launch how{.grid = {ceil_div(p.pixels(), T::m), ceil_div(p.group_out(), T::n), p.groups * splits},
                   .block = {threads_a_block},
                   .overlap_previous = true,
                   .stream = stream};
  PRECONDITION(how.grid.y < 1 << 16 && how.grid.z < 1 << 16);
  const bool by_vectors = p.group_in() % 8 == 0 && p.input_pixel_stride % 8 == 0 &&
                          reinterpret_cast<std::uintptr_t>(inputs.input) % 16 == 0;
  launch(by_vectors ? conv2d_kernel<T, true, Out> : conv2d_kernel<T, false, Out>, how, epilogue, inputs.input,
         inputs.weight, p, splits, splits > 1 ? p.pixels() * p.out_channels : 0, epilogue.accepts(2, p.group_out()));
}

template <class Out>
void start_any_tile(const Conv2dEpilogue<Out, Half>& epilogue, const Conv2dInputs<Half>& inputs, const Conv2dParams& p,
                    const Conv2dPlan& plan, Stream stream) {
  switch (plan.tile) {
    case Conv2dTile::m128n64k32:
      return start_tile<Tile<128, 64, 32, 2, 3>>(epilogue, inputs, p, plan.splits, stream);
    case Conv2dTile::m64n64k32:
      return start_tile<Tile<64, 64, 32, 2, 4>>(epilogue, inputs, p, plan.splits, stream);
    case Conv2dTile::m32n64k64:
      return start_tile<Tile<32, 64, 64, 1, 3>>(epilogue, inputs, p, plan.splits, stream);
  }
}

template <class Out>
void start(Out* output, float* workspace, const Conv2dInputs<Half>& inputs, const Conv2dParams& p,
           const Conv2dPlan& plan, Stream stream) {
  check_preconditions(inputs, p);
  PRECONDITION(fits(p, plan));
  const Conv2dEpilogue<Out, Half> epilogue = epilogue_of(output, inputs, p);
  if (plan.splits == 1) return start_any_tile(epilogue, inputs, p, plan, stream);

  PRECONDITION(workspace != nullptr && reinterpret_cast<std::uintptr_t>(workspace) % 16 == 0);
  start_any_tile(epilogue_of_parts(workspace, p.out_channels), inputs, p, plan, stream);
  sum_splits(epilogue, workspace, plan.splits, p.pixels(), p.out_channels, stream);
}

}  // namespace

void conv2d(Half* output, float* workspace, const Conv2dInputs<Half>& inputs, const Conv2dParams& params,
            const Conv2dPlan& plan, Stream stream) {
  start(output, workspace, inputs, params, plan, stream);
}

void conv2d(float* output, float* workspace, const Conv2dInputs<Half>& inputs, const Conv2dParams& params,
            const Conv2dPlan& plan, Stream stream) {
  start(output, workspace, inputs, params, plan, stream);
}

}  // namespace giemsa::kernels
