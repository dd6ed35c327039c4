// The host's side of conv2d.h: which tile and how many splits, the weight's layout, the cost.
#include <algorithm>
#include <iterator>

#include "kernels/conv2d.h"

namespace giemsa::kernels {

namespace {

struct TileSize {
  Conv2dTile tile;
  int m, n, k;
};
constexpr TileSize tiles[] = {
    // of equals, choose() takes the first
    {Conv2dTile::m128n64k32, 128, 64, 32},
    {Conv2dTile::m64n64k32, 64, 64, 32},
    {Conv2dTile::m32n64k64, 32, 64, 64},
};

const TileSize& size_of(Conv2dTile tile) {
  return tiles[static_cast<std::size_t>(tile)];
}

std::int64_t part_elements(const Conv2dParams& p) {
  return std::int64_t{p.pixels()} * p.out_channels;
}

template <class T>
void pack(T* packed, const T* weight, const Conv2dParams& p) {
  const int channels = p.group_in(), taps = p.kernel.h * p.kernel.w;
  for (int o = 0; o < p.out_channels; ++o) {
    T* const end = packed + p.packed_depth();
    for (int tap = 0; tap < taps; ++tap)
      for (int c = 0; c < channels; ++c) *packed++ = weight[c * taps + tap];
    packed = std::fill_n(packed, end - packed, T{});
    weight += p.depth();
  }
}

}  // namespace

// From what the instructions and caches of compute capability 8 and 9 give an SM at best:
// 1024 multiply-adds of fp16 by mma.sync and about 40 bytes from L2 a cycle; a step of one block takes its barrier and
// its fragments besides its products. Estimates, not measured.
double expected_cycles(const Conv2dParams& p, const Conv2dPlan& plan, int sm_count) {
  constexpr double multiply_adds = 1024, l2_bytes = 40, step_overhead = 250, start = 1500, another_launch = 2500;
  constexpr int resident = 4;  // blocks of up to 45 KiB in an SM's shared memory
  const TileSize& tile = size_of(plan.tile);
  const int blocks = ceil_div(p.pixels(), tile.m) * ceil_div(p.group_out(), tile.n) * p.groups * plan.splits;
  const int of_sm = ceil_div(blocks, sm_count), waves = ceil_div(of_sm, resident);
  const int steps = ceil_div(ceil_div(p.depth(), tile.k), plan.splits);
  const double products = double(tile.m) * tile.n * tile.k / multiply_adds;
  const double bytes = double(tile.m + tile.n) * tile.k * 2 / l2_bytes;
  const double busy = double(of_sm) * steps * std::max(products, bytes);
  const double waiting = double(waves) * steps * (step_overhead + products);
  double cycles = start + std::max(busy, waiting);
  if (plan.splits > 1)  // parts are written and read as fp32
    cycles += another_launch + double(part_elements(p)) * plan.splits * 8 / (l2_bytes * sm_count);
  return cycles;
}

bool fits(const Conv2dParams& params, const Conv2dPlan& plan) {
  constexpr std::int64_t most = (std::int64_t{1} << 31) - (1 << 16);
  if (static_cast<std::size_t>(plan.tile) >= std::size(tiles)) return false;
  if (plan.splits == 1) return true;
  return plan.splits > 1 && plan.splits <= Conv2dPlan::max_splits &&
         plan.splits <= ceil_div(params.depth(), size_of(plan.tile).k) && part_elements(params) <= most / plan.splits;
}

Conv2dPlan choose(const Conv2dParams& params, int sm_count) {
  Conv2dPlan best{};
  double least = -1;
  for (const TileSize& tile : tiles)
    for (int splits = 1; splits <= Conv2dPlan::max_splits; ++splits) {
      const Conv2dPlan plan{tile.tile, splits};
      if (!fits(params, plan)) break;
      const double cycles = expected_cycles(params, plan, sm_count);
      if (least >= 0 && cycles >= least) continue;
      least = cycles;
      best = plan;
    }
  return best;
}

std::size_t workspace_bytes(const Conv2dParams& params, const Conv2dPlan& plan) {
  if (plan.splits == 1) return 0;
  return static_cast<std::size_t>(part_elements(params)) * static_cast<std::size_t>(plan.splits) * sizeof(float);
}

std::size_t packed_weight_size(const Conv2dParams& params) {
  return static_cast<std::size_t>(params.out_channels) * static_cast<std::size_t>(params.packed_depth());
}

void pack_conv2d_weight(Half* packed, const Half* weight, const Conv2dParams& params) {
  pack(packed, weight, params);
}

void pack_conv2d_weight(float* packed, const float* weight, const Conv2dParams& params) {
  pack(packed, weight, params);
}

Cost cost(const Conv2dParams& p, int element_bytes) {
  const double in = double(p.images) * p.in_h * p.in_w * p.in_channels, out = double(p.pixels()) * p.out_channels;
  const double weight = double(p.out_channels) * p.depth();
  return {.bytes = (in + weight + out * (p.residual_pixel_stride > 0 ? 2 : 1)) * element_bytes,
          .flops = 2 * out * p.depth()};
}

}  // namespace giemsa::kernels
