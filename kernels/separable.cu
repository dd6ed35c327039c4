// A depthwise 3x3 and its pointwise 1x1 as one kernel on tensor cores (see separable.h), fp16 with fp32 sums.
//
// It is conv2d.cu's matrix product M x N x K = pixels x out_channels x channels, except that the rows of the left
// matrix are made here: where conv2d() copies 8 channels of a pixel into the tile, a thread loads them under nine taps
// and writes their sum. Against depthwise() and then conv2d(), with mid = 2 M K bytes, that saves one launch and the
// writing and reading of mid, which conv2d() reads N / 64 times. At batch 1:
//
//   decoder   304 -> 256   180x144   mid 15.8 MB   products 4.03 GF   taps 142 MF
//             304 -> 256    56x56        1.9 MB            0.49 GF         17 MF
//             256 -> 256    45x36        0.8 MB            0.21 GF          7 MF
//   ASPP     2048 -> 256    45x36        6.6 MB            1.70 GF         60 MF
//            2048 -> 256    14x14        0.8 MB            0.21 GF          7 MF
//
// A tile of all 256 output channels makes mid once, of 128 twice: the taps' flops are repeated ceil(N / tile n) times.
// They cost more than their number says. A tap takes two conversions besides its multiply-add, so that 32 pixels by 32
// channels are 216 cycles of an SM's fp32 lanes against 256 of its tensor cores for 256 output channels: about as many,
// and only other warps overlap the two. Large maps are limited by that and by the weight, which every tile reads from
// L2; small ones by latency. A thread therefore loads the next step's window, 36 registers, before this step's
// products.
//
//   tile          warps   of a warp   registers   shared memory   for
//    32x256x32    1x4     32x64       168         47 KiB          3 blocks per SM overlap products and taps
//    32x128x64    2x4     16x32       106         48 KiB          few pixels: twice the blocks, half the steps
//
// 64 or 128 pixels x 256 channels would read the weight half or a quarter as often, but with 64 sums a thread and a
// window they leave one block an SM; held to 128 registers, for two, they spill.
//
// At dilation 1 neighbouring windows share their input, and L1 serves what a tile reads twice. A row of 32 pixels
// covers 102 of input, a patch of 8x4 only 60. At ASPP's rates nothing is shared. The pair is better where N needs mid
// many times, and for the three branches of ASPP on all but the smallest maps: aspp_depthwise() reads their one input
// once. separable_plan.cu has the estimate; none of this has been measured.
#include "kernels/separable.h"

#include "kernels/channels.h"
#include "kernels/conv2d_sums.h"
#include "kernels/relu6.h"

namespace giemsa::kernels {

namespace {

constexpr int taps = 9;

template <int m_, int n_, int k_, int warps_m_, int warps_n_, int blocks_an_sm_>
struct Tile {
  static constexpr int m = m_, n = n_, k = k_, blocks_an_sm = blocks_an_sm_;
  static constexpr int warps_n = warps_n_, threads = warps_m_ * warps_n * warp_size;
  static constexpr int warp_m = m / warps_m_, warp_n = n / warps_n;  // what a warp makes of it
  static constexpr int vectors = k / 8;                              // of 8 channels, in a row
  static constexpr int row = k + 8;                                  // in shared memory, with its padding
  static constexpr int patch_w = separable_patch_w, patch_h = m / patch_w;
  static_assert(m * vectors == threads, "a thread makes one vector of mid");
  static_assert(m >= taps && m % patch_w == 0 && n % m == 0);

  // A stage: rows of mid, of the pointwise weight, and the depthwise weight as {taps, k}.
  static constexpr int mid_at = 0, weight_at = m * row, depthwise_at = weight_at + n * row;
  static constexpr int stage = depthwise_at + taps * k, stages = 2;
  static_assert(sizeof(Half) * stages * stage + sizeof(int) * m <= 48 << 10);
};

/// The output pixel that is a row of this block's tile; p.pixels() or more where there is none.
template <class T>
__device__ int pixel_of(const SeparableParams& p, bool patches, int row) {
  const int tile = static_cast<int>(blockIdx.x), out_w = p.out_w(), out_h = p.out_h();
  if (!patches) return tile * T::m + row;
  const int across = ceil_div(out_w, T::patch_w), down = ceil_div(out_h, T::patch_h);
  const int patch_row = tile / across, image = patch_row / down;
  const int y = (patch_row - image * down) * T::patch_h + row / T::patch_w;
  const int x = (tile - patch_row * across) * T::patch_w + row % T::patch_w;
  return y < out_h && x < out_w ? (image * out_h + y) * out_w + x : p.pixels();
}

/// A thread's part in filling the stages, step by step: of mid 8 channels of one pixel, of the weights the same
/// channels.
template <class T>
struct Filler {
  static constexpr int n = channels_a_vector<Half>;
  using Window = Channels<Half>[taps];

  const SeparableInputs& inputs;
  const SeparableParams& p;
  int row, column;  // of mid
  int channel;      // of the step to fill next
  // That channel in this thread's first row of the pointwise weight, and how many rows there are from there.
  unsigned weight_element;
  int rows_left;
  // That channel under the first tap, which may lie far outside; from a tap to those below and beside it.
  unsigned corner, tap_rows, tap_columns;
  unsigned inside = 0;  // a bit a tap

  __device__ Filler(const SeparableInputs& all_inputs, const SeparableParams& params, int pixel, int first_step)
      : inputs(all_inputs), p(params) {
    row = static_cast<int>(threadIdx.x) / T::vectors;
    column = static_cast<int>(threadIdx.x) % T::vectors * n;
    channel = first_step * T::k + column;
    const int out = static_cast<int>(blockIdx.y) * T::n + row;
    weight_element = static_cast<unsigned>(out) * static_cast<unsigned>(p.channels) + static_cast<unsigned>(channel);
    rows_left = p.out_channels - out;

    const Conv2dParams depthwise = p.depthwise();
    const auto at = window_of(depthwise, pixel);
    const auto stride = static_cast<unsigned>(p.input_pixel_stride), in_w = static_cast<unsigned>(p.in_w);
    corner = (static_cast<unsigned>(at.image + at.x) + static_cast<unsigned>(at.y) * in_w) * stride +
             static_cast<unsigned>(channel);
    tap_rows = static_cast<unsigned>(p.window.dilation.h) * in_w * stride;
    tap_columns = static_cast<unsigned>(p.window.dilation.w) * stride;
#pragma unroll
    for (int tap = 0; tap < taps; ++tap)
      if (element_of(depthwise, at, {tap / 3, tap % 3, 0}) >= 0) inside |= 1u << tap;
  }

  __device__ void copy_weight(Half* stage) const {
#pragma unroll
    for (int i = 0; i < T::n; i += T::m) {
      const bool take = i < rows_left && channel < p.channels;
      copy_async<16>(stage + T::weight_at + (row + i) * T::row + column,
                     inputs.weight + (take ? weight_element + static_cast<unsigned>(i * p.channels) : 0), take);
    }
  }
  /// `ahead`: of so many channels later.
  __device__ void copy_depthwise_weight(Half* stage, int ahead) const {
    if (row >= taps) return;
    const bool take = channel + ahead < p.channels;
    copy_async<16>(stage + T::depthwise_at + row * T::k + column,
                   inputs.depthwise_weight + (take ? row * p.channels + channel + ahead : 0), take);
  }

  __device__ void load_window(Window& window) const {
#pragma unroll
    for (int tap = 0; tap < taps; ++tap) {
      const unsigned element = corner + tap / 3 * tap_rows + tap % 3 * tap_columns;
      if (is_inside(tap)) window[tap] = load_constant<n>(inputs.input + element);
    }
  }

  /// Makes mid of the window and goes on to the next step. Sums have the order of depthwise(), hence its bits.
  __device__ void store_mid(Half* stage, const Window& window) {
    const Half* const weight = stage + T::depthwise_at + column;
    ChannelSums<Half> sums{};
    if (channel < p.channels) sums = load_bias<n>(inputs.depthwise_bias, channel);
#pragma unroll
    for (int tap = 0; tap < taps; ++tap)
      if (is_inside(tap)) multiply_add(sums, window[tap], load<n>(weight + tap * T::k));
    if (p.depthwise_relu) relu(sums, p.depthwise_ceiling);
    store(stage + T::mid_at + row * T::row + column, round_to<Half>(sums));
    channel += T::k;
    weight_element += T::k;
    corner += T::k;
  }

 private:
  __device__ bool is_inside(int tap) const {
    return channel < p.channels && (inside >> tap & 1) != 0;
  }
};

// A block makes a tile of the output, or one split's part of its sums; a warp warp_m x warp_n of it; a thread, a vector
// of mid a step, and pairs of neighbouring output channels. Split s writes to epilogue.output + s * split_stride.
// PRECOND: as check_preconditions() and separable(); pairs: epilogue.accepts(2, out_channels).
template <class T, class Out>
__global__ void __launch_bounds__(T::threads, T::blocks_an_sm)
    separable_kernel(Conv2dEpilogue<Out, Half> epilogue, SeparableInputs inputs, SeparableParams p, bool patches,
                     int split_stride, bool pairs) {
  __shared__ Shared<Half, T::stages, T::stage> shared;
  __shared__ Shared<int, T::m> pixels;  // of the tile's rows
  const int split = static_cast<int>(blockIdx.z), splits = static_cast<int>(gridDim.z);
  const int all_steps = ceil_div(p.channels, T::k);
  const int first_step = all_steps * split / splits, steps = all_steps * (split + 1) / splits - first_step;
  const int thread = static_cast<int>(threadIdx.x), own_row = thread / T::vectors;
  const int own_pixel = pixel_of<T>(p, patches, own_row);
  if (thread % T::vectors == 0) store<int, 1>(&pixels[own_row], {own_pixel});
  Filler<T> filler(inputs, p, own_pixel, first_step);

  filler.copy_depthwise_weight(shared[0], 0);
  filler.copy_weight(shared[0]);
  filler.copy_depthwise_weight(shared[1], T::k);
  commit_copies();
  wait_for_previous_kernel();
  let_next_kernel_start();
  typename Filler<T>::Window first_window;
  filler.load_window(first_window);
  wait_copies<0>();
  sync_block();
  filler.store_mid(shared[0], first_window);

  const int warp = thread / warp_size;
  const int m = warp / T::warps_n * T::warp_m, n = warp % T::warps_n * T::warp_n;
  WarpSums<T::warp_m, T::warp_n> sums;
  for (int step = 0; step < steps; ++step) {
    wait_copies<0>();
    sync_block();
    const bool more = step + 1 < steps;
    Half *const read = shared[step % 2], *const fill = shared[(step + 1) % 2];
    typename Filler<T>::Window window;
    if (more) {
      filler.copy_weight(fill);
      filler.copy_depthwise_weight(read, T::k);  // read a step ago, and again in a step
      filler.load_window(window);
    }
    commit_copies();
    sums.template add_products<T::k, T::row>(read + T::mid_at + m * T::row, read + T::weight_at + n * T::row);
    if (more) filler.store_mid(fill, window);
  }

  epilogue.output += split * split_stride;
  sums.each_pair([&](int row, int column, const Vec<float, 2>& pair) {
    const int pixel = load<1>(&pixels[m + row])[0], channel = static_cast<int>(blockIdx.y) * T::n + n + column;
    if (pixel < p.pixels()) epilogue.write_pair(pair, pixel, channel, p.out_channels - channel, pairs);
  });
}

template <class T, class Out>
void start_tile(const Conv2dEpilogue<Out, Half>& epilogue, const SeparableInputs& inputs, const SeparableParams& p,
                const SeparablePlan& plan, Stream stream) {
  const std::int64_t tiles =
      plan.patches ? std::int64_t{p.images} * ceil_div(p.out_h(), T::patch_h) * ceil_div(p.out_w(), T::patch_w)
                   : ceil_div(p.pixels(), T::m);
  const Launch how{.grid = {static_cast<int>(tiles), ceil_div(p.out_channels, T::n), plan.splits},
                   .block = {T::threads},
                   .overlap_previous = true,
                   .stream = stream};
  PRECONDITION(tiles < std::int64_t{1} << 31 && how.grid.y < 1 << 16);
  launch(separable_kernel<T, Out>, how, epilogue, inputs, p, plan.patches,
         plan.splits > 1 ? p.pixels() * p.out_channels : 0, epilogue.accepts(2, p.out_channels));
}

template <class Out>
void start_any_tile(const Conv2dEpilogue<Out, Half>& epilogue, const SeparableInputs& inputs, const SeparableParams& p,
                    const SeparablePlan& plan, Stream stream) {
  switch (plan.tile) {
    case SeparableTile::m32n256k32:
      return start_tile<Tile<32, 256, 32, 1, 4, 3>>(epilogue, inputs, p, plan, stream);
    case SeparableTile::m32n128k64:
      return start_tile<Tile<32, 128, 64, 2, 4, 2>>(epilogue, inputs, p, plan, stream);
  }
}

}  // namespace

void separable(Half* output, float* workspace, const SeparableInputs& inputs, const SeparableParams& p,
               const SeparablePlan& plan, Stream stream) {
  PRECONDITION(p.window.kernel.h == 3 && p.window.kernel.w == 3);
  check_preconditions<Half>({inputs.input, inputs.depthwise_weight, inputs.depthwise_bias, nullptr}, p.depthwise());
  const Conv2dInputs<Half> pointwise{nullptr, inputs.weight, inputs.bias, nullptr};
  check_preconditions(pointwise, p.pointwise());
  PRECONDITION(is_vectorised(inputs.input, p.channels, p.input_pixel_stride));
  PRECONDITION(is_vectorised(inputs.depthwise_bias, p.channels, p.channels));
  PRECONDITION(fits(p, plan));

  const auto epilogue = epilogue_of(output, pointwise, p.pointwise());
  if (plan.splits == 1) return start_any_tile(epilogue, inputs, p, plan, stream);
  PRECONDITION(workspace != nullptr && reinterpret_cast<std::uintptr_t>(workspace) % 16 == 0);
  start_any_tile(epilogue_of_parts(workspace, p.out_channels), inputs, p, plan, stream);
  sum_splits(epilogue, workspace, plan.splits, p.pixels(), p.out_channels, stream);
}

}  // namespace giemsa::kernels
