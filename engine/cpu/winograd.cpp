#include "engine/cpu/winograd.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "engine/base/simd.h"
#include "engine/cpu/ceil_div.h"
#include "engine/cpu/prefetch.h"
#include "engine/cpu/scratch.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
// GCC 12's own AVX-512 header sets a variable from itself to say "undefined" (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace giemsa::cpu {

namespace {

constexpr std::int64_t lanes = 16, least_channels = 64;
constexpr double worthwhile = 0.75;  // of the multiplications: transforming takes some of what is saved
constexpr int positions = 16;
constexpr int block_tiles = 6, block_vectors = 4;  // of a matrix product's sums in registers
// The hardware's own prefetching ends at each page, which is 16 channels of weights.
constexpr std::int64_t inputs_ahead = 384, weights_ahead = 128;  // floats; lines of weights
constexpr std::int64_t job_tiles = 16 * block_tiles;
constexpr std::int64_t chunk_bytes = std::int64_t{4} << 20;  // of the transformed inputs, or of the products

Size2 output_size(const Conv2d& op, const Shape& input) {
  return {input[2] + 2 * op.padding.h - 2 * op.dilation.h, input[3] + 2 * op.padding.w - 2 * op.dilation.w};
}

/// Firsts of the pairs of outputs, `dilation` apart, along one side.
std::vector<std::int32_t> firsts_of_pairs(std::int64_t extent, std::int64_t dilation) {
  std::vector<std::int32_t> firsts;
  for (std::int64_t start = 0; start < extent; start += 2 * dilation)
    for (std::int64_t i = start; i < std::min(start + dilation, extent); ++i)
      firsts.push_back(static_cast<std::int32_t>(i));
  return firsts;
}

/// Elements from one position's transformed inputs to the next's. A line more than they are: sixteen streams a power of
/// two apart would displace each other in the cache.
std::int64_t input_stride(std::int64_t tiles, std::int64_t channels) {
  return ceil_div(tiles, block_tiles) * block_tiles * channels + lanes;
}

/// The same of the products.
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

WinogradWeights pack_winograd(const Conv2d& op, std::int64_t channels, std::span<const float> weight) {
  const std::int64_t vectors = op.out_channels / lanes;
  WinogradWeights packed;
  packed.bytes = static_cast<std::size_t>(positions * channels * vectors) * sizeof(WinogradLine);
  packed.pages = allocate_pages(packed.bytes);
  check(packed.pages != nullptr, ErrorKind::device, "out of memory: packed weights need ", packed.bytes, " bytes");
  auto* lines = reinterpret_cast<WinogradLine*>(packed.pages.get());
#pragma omp parallel for schedule(static)
  for (std::int64_t v = 0; v < vectors; ++v) {
    const std::int64_t first = v / block_vectors * block_vectors;
    const std::int64_t in_block = std::min<std::int64_t>(block_vectors, vectors - first);
    for (std::int64_t c = 0; c < channels; ++c) {
      double columns[4][3][lanes], u[4][4][lanes];  // G g, G g G'
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        const float* g = &weight[static_cast<std::size_t>(((v * lanes + lane) * channels + c) * 9)];
        for (int x = 0; x < 3; ++x)
          transform_weights(g[x], g[3 + x], g[6 + x], [&](int i) -> double& { return columns[i][x][lane]; });
      }
      for (int i = 0; i < 4; ++i)
        for (std::int64_t lane = 0; lane < lanes; ++lane)
          transform_weights(columns[i][0][lane], columns[i][1][lane], columns[i][2][lane],
                            [&](int j) -> double& { return u[i][j][lane]; });
      for (int p = 0; p < positions; ++p) {
        const std::int64_t line = (p * vectors + first) * channels + c * in_block + v - first;
        std::copy_n(u[p / 4][p % 4], lanes, lines[line].value);
      }
    }
  }
  return packed;
}

Winograd::Winograd(const Conv2d& op, const Shape& input) : op_(op), channels_(input[1]) {
  const Size2 out = output_size(op, input);
  const auto ys = firsts_of_pairs(out.h, op.dilation.h), xs = firsts_of_pairs(out.w, op.dilation.w);
  for (std::int64_t n = 0; n < input[0]; ++n)
    for (const std::int32_t y : ys)
      for (const std::int32_t x : xs) tiles_.push_back({static_cast<std::int32_t>(n), y, x});
  const auto all = static_cast<std::int64_t>(tiles_.size());
  const std::int64_t widest = std::max(channels_, op.out_channels);
  const std::int64_t most = std::max<std::int64_t>(job_tiles, chunk_bytes / (positions * widest * 4));
  chunk_ = ceil_div(all, ceil_div(all, most));
}

std::size_t Winograd::scratch_bytes() const {
  return scratch_bytes_of<float>(positions * input_stride(chunk_, channels_)) +
         scratch_bytes_of<float>(positions * product_stride(chunk_, op_.out_channels));
}

#ifdef GIEMSA_X86

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq")

namespace {

using Vector = __m512;

/// B' d B of all channels of one tile. A product reads six tiles together, front to back: [channel / 16][tile][channel
/// modulo 16]. Tile t of a block begins at out, one position's blocks `stride` after the last one's.
void transform_input(float* out, std::int64_t stride, const Nhwc& src, const Conv2d& op, const Winograd::Tile& tile) {
  const float* from[4][4];
  for (std::int64_t i = 0; i < 4; ++i)
    for (std::int64_t j = 0; j < 4; ++j) {
      const std::int64_t y = tile.y - op.padding.h + i * op.dilation.h, x = tile.x - op.padding.w + j * op.dilation.w;
      const bool inside = y >= 0 && y < src.h && x >= 0 && x < src.w;
      from[i][j] = inside ? src.pixel<float>((tile.image * src.h + y) * src.w + x) : nullptr;
    }
  for (std::int64_t c = 0; c < src.c; c += lanes, out += block_tiles * lanes) {
    Vector rows[4][4];  // B' d
    for (int j = 0; j < 4; ++j) {
      Vector d[4];
      for (int i = 0; i < 4; ++i) d[i] = from[i][j] ? _mm512_loadu_ps(from[i][j] + c) : Vector{};
      rows[0][j] = d[0] - d[2];
      rows[1][j] = d[1] + d[2];
      rows[2][j] = d[2] - d[1];
      rows[3][j] = d[1] - d[3];
    }
    for (int i = 0; i < 4; ++i) {
      float* to = out + 4 * i * stride;
      _mm512_storeu_ps(to, rows[i][0] - rows[i][2]);
      _mm512_storeu_ps(to + stride, rows[i][1] + rows[i][2]);
      _mm512_storeu_ps(to + 2 * stride, rows[i][2] - rows[i][1]);
      _mm512_storeu_ps(to + 3 * stride, rows[i][1] - rows[i][3]);
    }
  }
}

/// Tiles rows of a product: Vectors of outputs.
template <int Tiles, int Vectors>
void multiply_block(float* out, std::int64_t out_stride, const float* in, std::int64_t channels,
                    const WinogradLine* w) {
  Vector sum[Tiles][Vectors] = {};
  for (std::int64_t c = 0; c < channels; c += lanes, in += block_tiles * lanes) {
    for (int t = 0; t < Tiles; ++t) prefetch<3>(in, t * lanes + inputs_ahead);
    for (int i = 0; i < lanes; ++i, w += Vectors) {
      Vector wv[Vectors];
      for (int v = 0; v < Vectors; ++v) {
        prefetch<3>(w, v + weights_ahead);
        wv[v] = _mm512_load_ps(w[v].value);
      }
      for (int t = 0; t < Tiles; ++t) {
        const Vector x = _mm512_set1_ps(in[t * lanes + i]);
        for (int v = 0; v < Vectors; ++v) sum[t][v] = _mm512_fmadd_ps(wv[v], x, sum[t][v]);
      }
    }
  }
  for (int t = 0; t < Tiles; ++t)
    for (int v = 0; v < Vectors; ++v) _mm512_storeu_ps(out + t * out_stride + v * lanes, sum[t][v]);
}

using Block = void (*)(float*, std::int64_t, const float*, std::int64_t, const WinogradLine*);

/// blocks[(tiles - 1) * block_vectors + vectors - 1]
template <std::size_t... I>
constexpr std::array<Block, sizeof...(I)> blocks_of(std::index_sequence<I...>) {
  return {multiply_block<I / block_vectors + 1, I % block_vectors + 1>...};
}
constexpr auto blocks = blocks_of(std::make_index_sequence<block_tiles * block_vectors>());

/// {tiles, channels} x {channels, vectors of outputs}. `in` begins with a block.
void multiply(float* out, std::int64_t out_stride, const float* in, std::int64_t tiles, std::int64_t channels,
              const WinogradLine* w, std::int64_t vectors) {
  for (std::int64_t t = 0; t < tiles; t += block_tiles) {
    const std::int64_t here = std::min<std::int64_t>(block_tiles, tiles - t);
    blocks[static_cast<std::size_t>((here - 1) * block_vectors + vectors - 1)](out + t * out_stride, out_stride,
                                                                               in + t * channels, channels, w);
  }
}

/// A' m A of one tile, where m of position p and output o is in[p * stride + o]; bias, activation.
void transform_output(const Nhwc& dst, const Winograd::Tile& tile, const Conv2d& op, const float* in,
                      std::int64_t stride, const float* bias) {
  float* to[2][2];
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 2; ++j) {
      const std::int64_t y = tile.y + i * op.dilation.h, x = tile.x + j * op.dilation.w;
      to[i][j] = y < dst.h && x < dst.w ? dst.pixel<float>((tile.image * dst.h + y) * dst.w + x) : nullptr;
    }
  const Vector least =
      _mm512_set1_ps(op.activation == Activation::relu ? 0.0f : -std::numeric_limits<float>::infinity());
  for (std::int64_t o = 0; o < dst.c; o += lanes) {
    Vector rows[2][4];  // A' m
    for (int j = 0; j < 4; ++j) {
      Vector m[4];
      for (int i = 0; i < 4; ++i) m[i] = _mm512_loadu_ps(in + (4 * i + j) * stride + o);
      rows[0][j] = m[0] + m[1] + m[2];
      rows[1][j] = m[1] - m[2] - m[3];
    }
    const Vector b = _mm512_loadu_ps(bias + o);
    for (int i = 0; i < 2; ++i) {
      const Vector left = rows[i][0] + rows[i][1] + rows[i][2] + b, right = rows[i][1] - rows[i][2] - rows[i][3] + b;
      // The order of operands lets a NaN through.
      if (to[i][0]) _mm512_storeu_ps(to[i][0] + o, _mm512_max_ps(least, left));
      if (to[i][1]) _mm512_storeu_ps(to[i][1] + o, _mm512_max_ps(least, right));
    }
  }
}

}  // namespace

#pragma GCC pop_options

namespace {

bool has_winograd() {
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

}  // namespace

void Winograd::run(const Nhwc& dst, const Nhwc& src, const WinogradLine* weights, const float* bias,
                   std::span<std::byte> scratch) const {
  Scratch memory(scratch);
  const std::int64_t outputs = op_.out_channels, vectors = outputs / lanes;
  const std::int64_t in_stride = input_stride(chunk_, channels_), out_stride = product_stride(chunk_, outputs);
  float* inputs = memory.take<float>(positions * in_stride);
  float* products = memory.take<float>(positions * out_stride);
  const std::int64_t blocks_of_outputs = ceil_div(vectors, block_vectors);
  for (std::int64_t first = 0; first < static_cast<std::int64_t>(tiles_.size()); first += chunk_) {
    const std::int64_t count = std::min(chunk_, static_cast<std::int64_t>(tiles_.size()) - first);
    const Tile* tiles = tiles_.data() + first;
    const std::int64_t parts = ceil_div(count, job_tiles);
#pragma omp parallel
    {
#pragma omp for schedule(dynamic, 8)
      for (std::int64_t t = 0; t < count; ++t)
        transform_input(inputs + t / block_tiles * block_tiles * channels_ + t % block_tiles * lanes, in_stride, src,
                        op_, tiles[t]);
#pragma omp for schedule(dynamic)
      for (std::int64_t job = 0; job < positions * blocks_of_outputs * parts; ++job) {
        // Neighbours share weights.
        const std::int64_t p = job / parts / blocks_of_outputs, v = job / parts % blocks_of_outputs * block_vectors;
        const std::int64_t begin = job % parts * job_tiles, end = std::min(begin + job_tiles, count);
        multiply(products + p * out_stride + begin * outputs + v * lanes, outputs,
                 inputs + p * in_stride + begin * channels_, end - begin, channels_,
                 weights + (p * vectors + v) * channels_, std::min<std::int64_t>(block_vectors, vectors - v));
      }
#pragma omp for schedule(dynamic, 8)
      for (std::int64_t t = 0; t < count; ++t)
        transform_output(dst, tiles[t], op_, products + t * outputs, out_stride, bias);
    }
  }
}

#else

namespace {

bool has_winograd() {
  return false;
}

}  // namespace

void Winograd::run(const Nhwc&, const Nhwc&, const WinogradLine*, const float*, std::span<std::byte>) const {
  fail(ErrorKind::internal, "winograd is not in this build");
}

#endif

bool is_winograd(const Conv2d& op, const Shape& input) {
  static const bool has = has_winograd();
  if (!has || op.kernel != Size2{3, 3} || op.stride != Size2{1, 1} || op.groups != 1 || op.residual) return false;
  const auto fits = [](std::int64_t channels) { return channels >= least_channels && channels % lanes == 0; };
  if (!fits(input[1]) || !fits(op.out_channels)) return false;
  const Size2 out = output_size(op, input);
  const auto tiles = firsts_of_pairs(out.h, op.dilation.h).size() * firsts_of_pairs(out.w, op.dilation.w).size();
  return positions * static_cast<double>(tiles) <= worthwhile * 9 * static_cast<double>(out.h * out.w);
}

}  // namespace giemsa::cpu
