// The host's side of separable.h: which tile, splits and patches, and whether to fuse at all.
//
// is_worth_fusing() is the rule for a backend. What fusing saves is a launch, and writing and reading mid; what it
// costs is that tiles of 256 output channels fill fewer multiprocessors than conv2d()'s of 64, that depthwise
// arithmetic alternates with matrix products instead of streaming, and that it is repeated for every 256 (or 128)
// output channels. All figures are estimates from instruction and cache rates; nothing here has been measured.
#include <algorithm>
#include <iterator>

#include "kernels/separable.h"

namespace giemsa::kernels {

namespace {

struct TileSize {
  SeparableTile tile;
  int m, n, k, resident;  // blocks in an SM's registers
};
constexpr TileSize tiles[] = {
    // of equals, choose() takes the first
    {SeparableTile::m32n256k32, 32, 256, 32, 3},
    {SeparableTile::m32n128k64, 32, 128, 64, 2},
};

const TileSize& size_of(SeparableTile tile) {
  return tiles[static_cast<std::size_t>(tile)];
}

std::int64_t part_elements(const SeparableParams& p) {
  return std::int64_t{p.pixels()} * p.out_channels;
}

// Of an SM and a cycle, as in conv2d_plan.cu: multiply-adds of tensor cores, plain fp32 instructions, bytes from L2.
constexpr double multiply_adds = 1024, instructions = 128, l2_bytes = 40;
constexpr double another_launch = 2500;

/// Taps of a window that lie in the input, along one axis, on average.
double taps_inside(int out, int in, int stride, int padding, int dilation) {
  std::int64_t inside = 0;
  for (int o = 0; o < out; ++o)
    for (int tap = 0; tap < 3; ++tap) {
      const std::int64_t at = std::int64_t{o} * stride - padding + std::int64_t{tap} * dilation;
      inside += at >= 0 && at < in ? 1 : 0;
    }
  return double(inside) / out;
}

/// How an axis of the output lies over that of the input.
struct Axis {
  int in, stride, dilation;
  double inside;

  /// Input that the windows of `size` neighbours cover: what L1 has to fetch, if it then keeps it.
  double under(int size) const {
    return std::min({double(size - 1) * stride + 1 + 2.0 * dilation, inside * size, double(in)});
  }
};
struct Axes {
  Axis y, x;

  explicit Axes(const SeparableParams& p)
      : y{p.in_h, p.window.stride.h, p.window.dilation.h,
          taps_inside(p.out_h(), p.in_h, p.window.stride.h, p.window.padding.h, p.window.dilation.h)},
        x{p.in_w, p.window.stride.w, p.window.dilation.w,
          taps_inside(p.out_w(), p.in_w, p.window.stride.w, p.window.padding.w, p.window.dilation.w)} {}
};

struct Tiling {
  int tiles;
  double input_pixels;  // that a tile reads
};

Tiling tiling_of(const SeparableParams& p, const Axes& axes, const TileSize& tile, bool patches) {
  const int out_h = p.out_h(), out_w = p.out_w();
  const int w = patches ? separable_patch_w : std::min(tile.m, out_w), h = ceil_div(tile.m, w);
  return {patches ? p.images * ceil_div(out_h, h) * ceil_div(out_w, w) : ceil_div(p.pixels(), tile.m),
          axes.y.under(h) * axes.x.under(w)};
}

/// Of depthwise(), or of aspp_depthwise() a branch.
double depthwise_cycles(const SeparableParams& p, int branches, int sm_count) {
  constexpr int strip = 4;  // pixels that a thread of depthwise() makes
  const Axes axes(p);
  const double reads = branches == 1 ? axes.y.under(1) * axes.x.under(strip) / strip : 1.0 / branches;
  const double bytes = double(p.pixels()) * p.channels * sizeof(Half) * (reads + 1);
  return another_launch / branches + bytes / (l2_bytes * sm_count);
}

double cycles_of(const SeparableParams& p, const Axes& axes, const SeparablePlan& plan, int sm_count) {
  constexpr double step_overhead = 250, start = 1500;
  constexpr double a_tap = 3;  // instructions per element: two conversions and a multiply-add
  const TileSize& tile = size_of(plan.tile);
  const Tiling tiling = tiling_of(p, axes, tile, plan.patches);
  const int blocks = tiling.tiles * ceil_div(p.out_channels, tile.n) * plan.splits;
  const int of_sm = ceil_div(blocks, sm_count), waves = ceil_div(of_sm, tile.resident);
  const int steps = ceil_div(ceil_div(p.channels, tile.k), plan.splits);
  const double products = double(tile.m) * tile.n * tile.k / multiply_adds;
  const double windows = double(tile.m) * tile.k * axes.y.inside * axes.x.inside * a_tap / instructions;
  const double bytes = (tile.n + tiling.input_pixels) * tile.k * sizeof(Half) / l2_bytes;
  const double busy = double(of_sm) * steps * std::max({products, windows, bytes});
  const double waiting = double(waves) * steps * (step_overhead + products + windows);
  double cycles = start + std::max(busy, waiting);
  if (plan.splits > 1)  // parts are written and read as fp32
    cycles += another_launch + double(part_elements(p)) * plan.splits * 8 / (l2_bytes * sm_count);
  return cycles;
}

}  // namespace

double expected_cycles(const SeparableParams& params, const SeparablePlan& plan, int sm_count) {
  return cycles_of(params, Axes(params), plan, sm_count);
}

bool fits(const SeparableParams& params, const SeparablePlan& plan) {
  constexpr std::int64_t most = (std::int64_t{1} << 31) - (1 << 16);
  if (static_cast<std::size_t>(plan.tile) >= std::size(tiles)) return false;
  if (plan.splits == 1) return true;
  return plan.splits > 1 && plan.splits <= SeparablePlan::max_splits &&
         plan.splits <= ceil_div(params.channels, size_of(plan.tile).k) && part_elements(params) <= most / plan.splits;
}

SeparablePlan choose(const SeparableParams& params, int sm_count) {
  const Axes axes(params);
  SeparablePlan best{};
  double least = -1;
  for (const TileSize& tile : tiles)
    for (const bool patches : {false, true})
      for (int splits = 1; splits <= SeparablePlan::max_splits; ++splits) {
        const SeparablePlan plan{tile.tile, splits, patches};
        if (!fits(params, plan)) break;
        const double cycles = cycles_of(params, axes, plan, sm_count);
        if (least >= 0 && cycles >= least) continue;
        least = cycles;
        best = plan;
      }
  return best;
}

bool is_worth_fusing(const SeparableParams& params, int branches, int sm_count) {
  const Conv2dParams pointwise = params.pointwise();
  return expected_cycles(params, choose(params, sm_count), sm_count) <
         depthwise_cycles(params, branches, sm_count) +
             expected_cycles(pointwise, choose(pointwise, sm_count), sm_count);
}

std::size_t workspace_bytes(const SeparableParams& params, const SeparablePlan& plan) {
  if (plan.splits == 1) return 0;
  return static_cast<std::size_t>(part_elements(params)) * static_cast<std::size_t>(plan.splits) * sizeof(float);
}

Cost cost(const SeparableParams& p) {
  const Cost depthwise = cost(p.depthwise(), sizeof(Half)), pointwise = cost(p.pointwise(), sizeof(Half));
  const double mid = double(p.pixels()) * p.channels * sizeof(Half);
  return {.bytes = depthwise.bytes + pointwise.bytes - 2 * mid, .flops = depthwise.flops + pointwise.flops};
}

}  // namespace giemsa::kernels
