#include "kernels/cpu/layers/winograd.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "kernels/cpu/ceil_div.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/prefetch.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/simd.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
#endif

namespace giemsa::kernels::cpu {

namespace {

constexpr std::int64_t lanes = 16, least_channels = 64;
constexpr double worthwhile = 0.75;  // of the multiplications: transforming takes some of what is saved
constexpr int positions = 16;
constexpr int block_tiles = 6, block_vectors = 4;  // of a matrix product's sums in registers
// The hardware's own prefetching ends at each page, which is 16 channels of weights.
constexpr std::int64_t inputs_ahead = 384, weights_ahead = 128;  // floats; lines of weights
constexpr std::int64_t job_tiles = 16 * block_tiles;
constexpr std::int64_t chunk_bytes = std::int64_t{4} << 20;  // of the transformed inputs, or of the products

}  // namespace

}  // namespace giemsa::kernels::cpu

#define GIEMSA_SIMD_LOOPS "kernels/cpu/layers/winograd.simd.h"
#define GIEMSA_SIMD_SETS GIEMSA_AVX512
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

namespace {

Extent output_size(const SlidingWindow& window, Extent in) {
  return {in.h + 2 * window.padding.h - 2 * window.dilation.h, in.w + 2 * window.padding.w - 2 * window.dilation.w};
}

/// The first output of each pair of outputs, `dilation` apart, along one side.
std::vector<std::int32_t> firsts_of_pairs(std::int64_t extent, std::int64_t dilation) {
  std::vector<std::int32_t> firsts;
  for (std::int64_t start = 0; start < extent; start += 2 * dilation)
    for (std::int64_t i = start; i < std::min(start + dilation, extent); ++i)
      firsts.push_back(static_cast<std::int32_t>(i));
  return firsts;
}

/// Elements from one position's transformed inputs to the next's: a cache line more than they take, since sixteen
/// streams a power of two apart would displace each other in the cache.
std::int64_t input_stride(std::int64_t tiles, std::int64_t channels) {
  return ceil_div(tiles, block_tiles) * block_tiles * channels + lanes;
}

/// The same for the products.
std::int64_t product_stride(std::int64_t tiles, std::int64_t outputs) {
  return tiles * outputs + lanes;
}

/// to(0..3) = G (a b c)'
template <class To>
void transform_weights(double a, double b, double c, To to) {
  to(0) = a;
  to(1) = (a + b + c) / 2;
  to(2) = (a - b + c) / 2;
  to(3) = c;
}

}  // namespace

std::int64_t winograd_weight_lines(const ConvolutionParams& params) {
  return positions * params.in_channels * params.out_channels / lanes;
}

void pack_winograd(WinogradLine* packed, const float* weight, const ConvolutionParams& params) {
  const std::int64_t channels = params.in_channels, vectors = params.out_channels / lanes;
  parallel_for(vectors, [&](std::int64_t v) {
    const std::int64_t first = v / block_vectors * block_vectors;
    const std::int64_t in_block = std::min<std::int64_t>(block_vectors, vectors - first);
    for (std::int64_t c = 0; c < channels; ++c) {
      double columns[4][3][lanes], u[4][4][lanes];  // G g, G g G'
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        const float* g = weight + ((v * lanes + lane) * channels + c) * 9;
        for (int x = 0; x < 3; ++x)
          transform_weights(g[x], g[3 + x], g[6 + x], [&](int i) -> double& { return columns[i][x][lane]; });
      }
      for (int i = 0; i < 4; ++i)
        for (std::int64_t lane = 0; lane < lanes; ++lane)
          transform_weights(columns[i][0][lane], columns[i][1][lane], columns[i][2][lane],
                            [&](int j) -> double& { return u[i][j][lane]; });
      for (int p = 0; p < positions; ++p) {
        const std::int64_t line = (p * vectors + first) * channels + c * in_block + v - first;
        std::copy_n(u[p / 4][p % 4], lanes, packed[line].value);
      }
    }
  });
}

Winograd::Winograd(const ConvolutionParams& params, std::int64_t images, Extent in) : params_(params) {
  const Extent out = output_size(params.window, in);
  const auto ys = firsts_of_pairs(out.h, params.window.dilation.h);
  const auto xs = firsts_of_pairs(out.w, params.window.dilation.w);
  for (std::int64_t n = 0; n < images; ++n)
    for (const std::int32_t y : ys)
      for (const std::int32_t x : xs) tiles_.push_back({static_cast<std::int32_t>(n), y, x});
  const auto all = static_cast<std::int64_t>(tiles_.size());
  const std::int64_t widest = std::max(params.in_channels, params.out_channels);
  const std::int64_t most = std::max<std::int64_t>(job_tiles, chunk_bytes / (positions * widest * 4));
  chunk_ = ceil_div(all, ceil_div(all, most));
}

std::size_t Winograd::scratch_bytes() const {
  return scratch_bytes_of<float>(positions * input_stride(chunk_, params_.in_channels)) +
         scratch_bytes_of<float>(positions * product_stride(chunk_, params_.out_channels));
}

#ifdef GIEMSA_X86

void Winograd::run(const Nhwc& dst, const Nhwc& src, const WinogradLine* weights, const float* bias,
                   std::span<std::byte> scratch) const {
  Scratch memory(scratch);
  const std::int64_t channels = params_.in_channels, outputs = params_.out_channels, vectors = outputs / lanes;
  const std::int64_t in_stride = input_stride(chunk_, channels), out_stride = product_stride(chunk_, outputs);
  float* inputs = memory.take<float>(positions * in_stride);
  float* products = memory.take<float>(positions * out_stride);
  const std::int64_t blocks_of_outputs = ceil_div(vectors, block_vectors);
  for (std::int64_t first = 0; first < static_cast<std::int64_t>(tiles_.size()); first += chunk_) {
    const std::int64_t count = std::min(chunk_, static_cast<std::int64_t>(tiles_.size()) - first);
    const WinogradTile* tiles = tiles_.data() + first;
    const std::int64_t parts = ceil_div(count, job_tiles);
    parallel_for_dynamic(count, 8, [&](std::int64_t t) {
      avx512::transform_input(inputs + t / block_tiles * block_tiles * channels + t % block_tiles * lanes, in_stride,
                              src, params_, tiles[t]);
    });
    parallel_for_dynamic(positions * blocks_of_outputs * parts, 1, [&](std::int64_t job) {
      // Neighbours share weights.
      const std::int64_t p = job / parts / blocks_of_outputs, v = job / parts % blocks_of_outputs * block_vectors;
      const std::int64_t begin = job % parts * job_tiles, end = std::min(begin + job_tiles, count);
      avx512::multiply(products + p * out_stride + begin * outputs + v * lanes, outputs,
                       inputs + p * in_stride + begin * channels, end - begin, channels,
                       weights + (p * vectors + v) * channels, std::min<std::int64_t>(block_vectors, vectors - v));
    });
    parallel_for_dynamic(count, 8, [&](std::int64_t t) {
      avx512::transform_output(dst, tiles[t], params_, products + t * outputs, out_stride, bias);
    });
  }
}

#else

void Winograd::run(const Nhwc&, const Nhwc&, const WinogradLine*, const float*, std::span<std::byte>) const {
  require(false, "winograd is not in this build");
}

#endif

bool winograd_pays(const ConvolutionParams& params, Extent in) {
  const SlidingWindow& window = params.window;
  if (!has(InstructionSet::avx512) || window.kernel != Extent{3, 3} || window.stride != Extent{1, 1}) return false;
  const auto fits = [](std::int64_t channels) { return channels >= least_channels && channels % lanes == 0; };
  if (!fits(params.in_channels) || !fits(params.out_channels)) return false;
  const Extent out = output_size(window, in);
  const auto tiles =
      firsts_of_pairs(out.h, window.dilation.h).size() * firsts_of_pairs(out.w, window.dilation.w).size();
  return positions * static_cast<double>(tiles) <= worthwhile * 9 * static_cast<double>(out.h * out.w);
}

}  // namespace giemsa::kernels::cpu
