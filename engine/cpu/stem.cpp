#include "engine/cpu/stem.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "engine/base/simd.h"
#include "engine/cpu/ceil_div.h"
#include "engine/cpu/scratch.h"
#include "engine/plan/layout.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
// GCC 12's own AVX-512 header sets a variable from itself to say "undefined" (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

namespace giemsa::cpu {

namespace {

constexpr std::int64_t lanes = 16;      // outputs of a vector
constexpr std::int64_t lane_bytes = 4;  // of inputs that a lane multiplies at a time: two bf16 or four of 8 bits
constexpr int tile_pixels = 6, tile_vectors = 4;
constexpr std::int64_t most_channels = 4, least_steps = 64;
constexpr std::int64_t most_rows = 8;  // of output pixels that share a band

/// Part `i` of `whole` cut into as few parts of at most `most` as there can be, all about as large.
struct Part {
  std::int64_t begin, size;
};
Part part_of(std::int64_t whole, std::int64_t most, std::int64_t i) {
  const std::int64_t parts = ceil_div(whole, most), begin = whole * i / parts;
  return {begin, whole * (i + 1) / parts - begin};
}

/// Where things are in bands and packed weights.
struct Geometry {
  Geometry(const Conv2d& op, std::int64_t channels, std::int64_t width, DType dtype)
      : element(static_cast<std::int64_t>(size_of(dtype))),
        steps(ceil_div(op.kernel.w * channels * element, lane_bytes)),
        vectors(ceil_div(op.out_channels, lanes)),
        pixel_bytes(op.stride.w * channels * element),
        // The last step of the last pixel may reach beyond it.
        row_bytes((width + 2 * op.padding.w) * channels * element + lane_bytes) {}

  std::int64_t element;      ///< bytes
  std::int64_t steps;        ///< of a kernel row
  std::int64_t vectors;      ///< of outputs
  std::int64_t pixel_bytes;  ///< from what one output pixel reads to what the next does
  std::int64_t row_bytes;    ///< of a band
};

std::int64_t band_rows(const Conv2d& op, std::int64_t rows) {
  return (rows - 1) * op.stride.h + (op.kernel.h - 1) * op.dilation.h + 1;
}

std::int64_t padded(std::int64_t bytes) {
  return ceil_div(bytes, static_cast<std::int64_t>(scratch_alignment)) * static_cast<std::int64_t>(scratch_alignment);
}

/// Where each step of an output pixel reads, from its first tap on.
std::span<const std::int64_t> offsets_of_steps(Scratch& memory, const Conv2d& op, const Geometry& at) {
  auto* offsets = memory.take<std::int64_t>(op.kernel.h * at.steps);
  for (std::int64_t i = 0; i < op.kernel.h * at.steps; ++i)
    offsets[i] = i / at.steps * op.dilation.h * at.row_bytes + i % at.steps * lane_bytes;
  return {offsets, static_cast<std::size_t>(op.kernel.h * at.steps)};
}

/// Puts weights in the order in which the kernel reads them: [block of vectors][kernel row][step][vector], a lane's
/// elements side by side.
template <class T, class From, class Convert>
std::vector<StemLine> pack(const Conv2d& op, std::int64_t channels, DType dtype, std::span<const From> weight,
                           Convert convert) {
  constexpr auto per_lane = lane_bytes / static_cast<std::int64_t>(sizeof(T));
  const Geometry at(op, channels, 0, dtype);
  std::vector<StemLine> lines(static_cast<std::size_t>(op.kernel.h * at.steps * at.vectors), StemLine{});
  auto line = lines.begin();
  for (std::int64_t block = 0; block < ceil_div(at.vectors, tile_vectors); ++block) {
    const Part part = part_of(at.vectors, tile_vectors, block);
    for (std::int64_t ky = 0; ky < op.kernel.h; ++ky)
      for (std::int64_t step = 0; step < at.steps; ++step)
        for (std::int64_t v = part.begin; v < part.begin + part.size; ++v, ++line)
          for (std::int64_t i = 0; i < lanes * per_lane; ++i) {
            const std::int64_t o = v * lanes + i / per_lane, k = step * per_lane + i % per_lane;
            if (o >= op.out_channels || k >= op.kernel.w * channels) continue;
            const std::int64_t kx = k / channels, c = k % channels;
            const T value =
                convert(weight[static_cast<std::size_t>(((o * channels + c) * op.kernel.h + ky) * op.kernel.w + kx)]);
            std::memcpy(line->bytes + static_cast<std::size_t>(i) * sizeof(T), &value, sizeof(T));
          }
  }
  return lines;
}

std::vector<float> padded_copy(std::span<const float> values) {
  std::vector<float> copy(values.begin(), values.end());
  copy.resize(static_cast<std::size_t>(ceil_div(static_cast<std::int64_t>(values.size()), lanes) * lanes), 0.0f);
  return copy;
}

}  // namespace

StemWeights pack_stem(const Conv2d& op, std::int64_t channels, std::span<const float> weight,
                      std::span<const float> bias) {
  StemWeights packed;
  packed.lines = pack<std::uint16_t>(op, channels, DType::bf16, weight, f32_to_bf16);
  packed.bias = padded_copy(bias);
  return packed;
}

StemWeights pack_stem(const Conv2d& op, std::int64_t channels, DType dtype, std::span<const std::int8_t> weight,
                      std::span<const float> bias, std::span<const float> scale) {
  StemWeights packed;
  packed.lines = pack<std::int8_t>(op, channels, dtype, weight, [](std::int8_t value) { return value; });
  packed.bias = padded_copy(bias);
  packed.scale = padded_copy(scale);
  packed.surplus.resize(packed.bias.size(), 0);
  const std::size_t taps = weight.size() / bias.size();
  if (dtype == DType::i8)
    for (std::size_t i = 0; i < weight.size(); ++i) packed.surplus[i / taps] += 128 * weight[i];
  return packed;
}

std::size_t stem_scratch_bytes(const Conv2d& op, const Shape& input, DType dtype, int threads) {
  const Geometry at(op, input[1], input[3], dtype);
  return scratch_bytes_of<std::int64_t>(op.kernel.h * at.steps) +
         scratch_bytes_of<std::byte>(threads * padded(band_rows(op, most_rows) * at.row_bytes));
}

#ifdef GIEMSA_X86

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16")

namespace {

struct Brain16 {
  using Sum = __m512;
  static Sum start(const StemWeights& weights, std::int64_t o) { return _mm512_loadu_ps(&weights.bias[o]); }
  static Sum add(Sum sum, __m512i w, __m512i x) { return _mm512_dpbf16_ps(sum, (__m512bh)w, (__m512bh)x); }
  static __m512 result(Sum sum, const StemWeights&, std::int64_t) { return sum; }
};

struct Int8 {
  // The type that the instruction takes: GCC 12 spills sums that it has to convert from __m512i.
  using Sum = std::int32_t __attribute__((vector_size(64)));
  static Sum start(const StemWeights& weights, std::int64_t o) { return -(Sum)_mm512_loadu_si512(&weights.surplus[o]); }
  static Sum add(Sum sum, __m512i w, __m512i x) { return (Sum)_mm512_dpbusd_epi32((__m512i)sum, x, w); }
  static __m512 result(Sum sum, const StemWeights& weights, std::int64_t o) {
    return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps((__m512i)sum), _mm512_loadu_ps(&weights.scale[o])),
                         _mm512_loadu_ps(&weights.bias[o]));
  }
};

inline void store(float* to, __m512 values) {
  _mm512_storeu_ps(to, values);
}
inline void store(Bf16* to, __m512 values) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(values));
}
inline __m512i round_within(__m512 values, float least, float most) {
  return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(values, _mm512_set1_ps(least)), _mm512_set1_ps(most)));
}
inline void store(std::uint8_t* to, __m512 values) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(round_within(values, 0, 255)));
}
inline void store(std::int8_t* to, __m512 values) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(round_within(values, -128, 127)));
}

/// What all tiles of a band share.
struct Work {
  const Nhwc& dst;
  const StemWeights& weights;
  const Conv2d& op;
  Geometry at;
  std::span<const std::int64_t> offsets;  ///< in a band, of each step of a pixel's taps
};

/// The sums of a tile, before the activation.
using Results = float[tile_pixels][tile_vectors * lanes];

/// Stores `outputs` outputs, from output `o` on, of `pixels` pixels, from pixel `to` on.
void store_results(const Work& work, const Results& results, std::int64_t to, std::int64_t pixels, std::int64_t o,
                   std::int64_t outputs) {
  const __m512 least =
      _mm512_set1_ps(work.op.activation == Activation::relu ? 0.0f : -std::numeric_limits<float>::infinity());
  with_element_type(work.dst.dtype, [&]<class T>(T*) {
    for (std::int64_t p = 0; p < pixels; ++p) {
      T* out = work.dst.pixel<T>(to + p) + o;
      for (std::int64_t i = 0; i < outputs; i += lanes) {
        // The order of operands lets a NaN through.
        const __m512 values = _mm512_max_ps(least, _mm512_load_ps(&results[p][i]));
        if (i + lanes <= outputs) {
          store(out + i, values);
        } else {
          T rest[lanes];
          store(rest, values);
          std::copy_n(rest, outputs - i, out + i);
        }
      }
    }
  });
}

/// Pixels of one output row, from pixel `to` on, whose taps begin at `in`; Vectors of outputs from output `o` on.
template <class Kind, int Pixels, int Vectors>
void tile(const Work& work, const std::byte* in, const StemLine* w, std::int64_t to, std::int64_t o) {
  typename Kind::Sum sum[Pixels][Vectors];
  for (int p = 0; p < Pixels; ++p)
    for (int v = 0; v < Vectors; ++v) sum[p][v] = Kind::start(work.weights, o + v * lanes);
  const std::int64_t pixel_bytes = work.at.pixel_bytes;
  // One loop, since the processor mispredicts the end of short ones: ResNet's 7 rows of 11 steps took 7 %
  // longer.
  for (const std::int64_t offset : work.offsets) {
    const std::byte* x = in + offset;
    __m512i wv[Vectors];
    for (int v = 0; v < Vectors; ++v) wv[v] = _mm512_load_si512(w + v);
    for (int p = 0; p < Pixels; ++p) {
      std::int32_t elements;
      std::memcpy(&elements, x + p * pixel_bytes, sizeof(elements));
      const __m512i xv = _mm512_set1_epi32(elements);
      for (int v = 0; v < Vectors; ++v) sum[p][v] = Kind::add(sum[p][v], wv[v], xv);
    }
    w += Vectors;
  }
  alignas(64) Results results;
  for (int p = 0; p < Pixels; ++p)
    for (int v = 0; v < Vectors; ++v)
      _mm512_store_ps(&results[p][v * lanes], Kind::result(sum[p][v], work.weights, o + v * lanes));
  store_results(work, results, to, Pixels, o, std::min(Vectors * lanes, work.op.out_channels - o));
}

using Tile = void (*)(const Work&, const std::byte*, const StemLine*, std::int64_t, std::int64_t);

/// tiles[(pixels - 1) * tile_vectors + vectors - 1]
template <class Kind, std::size_t... I>
constexpr std::array<Tile, sizeof...(I)> tiles_of(std::index_sequence<I...>) {
  return {tile<Kind, I / tile_vectors + 1, I % tile_vectors + 1>...};
}
template <class Kind>
constexpr auto tiles = tiles_of<Kind>(std::make_index_sequence<tile_pixels * tile_vectors>());

const Tile* tiles_for(DType dtype) {
  return is_8bit(dtype) ? tiles<Int8>.data() : tiles<Brain16>.data();
}

}  // namespace

#pragma GCC pop_options

namespace {

/// Copies `count` bytes; signed elements of 8 bits become unsigned, 128 more.
GIEMSA_SIMD void copy_elements(std::byte* to, const std::byte* from, std::int64_t count, std::byte flipped) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i] ^ flipped;
}

/// The rows of image `n` that output rows `rows` read.
void fill_band(std::byte* band, const Nhwc& src, std::int64_t n, Part rows, const Conv2d& op, const Geometry& at) {
  const std::byte zero = src.dtype == DType::i8 ? std::byte{0x80} : std::byte{0};
  const std::int64_t pixel = src.c * at.element, left = op.padding.w * pixel;
  const std::int64_t top = rows.begin * op.stride.h - op.padding.h;
  for (std::int64_t i = 0; i < band_rows(op, rows.size); ++i, band += at.row_bytes) {
    const std::int64_t y = top + i;
    std::fill_n(band, at.row_bytes, zero);
    if (y >= 0 && y < src.h)
      copy_elements(band + left, src.data + (n * src.h + y) * src.w * pixel, src.w * pixel, zero);
  }
}

/// All outputs of output rows `rows` of image `n`.
void compute_band(const Work& work, const Tile* tile_kernels, const std::byte* band, std::int64_t n, Part rows) {
  const Geometry& at = work.at;
  const Nhwc& dst = work.dst;
  const StemLine* w = work.weights.lines.data();
  for (std::int64_t block = 0; block < ceil_div(at.vectors, tile_vectors); ++block) {
    const Part vectors = part_of(at.vectors, tile_vectors, block);
    for (std::int64_t row = 0; row < rows.size; ++row)
      for (std::int64_t strip = 0; strip < ceil_div(dst.w, tile_pixels); ++strip) {
        const Part pixels = part_of(dst.w, tile_pixels, strip);
        const std::byte* in = band + row * work.op.stride.h * at.row_bytes + pixels.begin * at.pixel_bytes;
        const std::int64_t to = (n * dst.h + rows.begin + row) * dst.w + pixels.begin;
        tile_kernels[(pixels.size - 1) * tile_vectors + vectors.size - 1](work, in, w, to, vectors.begin * lanes);
      }
    w += work.op.kernel.h * at.steps * vectors.size;
  }
}

bool has_stem() {
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni") &&
         __builtin_cpu_supports("avx512bf16");
}

}  // namespace

void stem(const Nhwc& dst, const Nhwc& src, const StemWeights& weights, const Conv2d& op,
          std::span<std::byte> scratch) {
  const Geometry at(op, src.c, src.w, src.dtype);
  Scratch memory(scratch);
  const std::span<const std::int64_t> offsets = offsets_of_steps(memory, op, at);
  const Work work{dst, weights, op, at, offsets};
  const Tile* tile_kernels = tiles_for(src.dtype);
  const int threads = omp_get_max_threads();
  // Few rows at once where there are few, so that threads end together.
  const std::int64_t most = std::clamp<std::int64_t>(dst.n * dst.h / (8 * threads), 1, most_rows);
  const std::int64_t bands = ceil_div(dst.h, most);
  const std::int64_t band_bytes = padded(band_rows(op, most_rows) * at.row_bytes);
  auto* all = memory.take<std::byte>(threads * band_bytes);
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t job = 0; job < dst.n * bands; ++job) {
    std::byte* band = all + omp_get_thread_num() * band_bytes;
    const Part rows = part_of(dst.h, most, job % bands);
    fill_band(band, src, job / bands, rows, op, at);
    compute_band(work, tile_kernels, band, job / bands, rows);
  }
}

#else

namespace {

bool has_stem() {
  return false;
}

}  // namespace

void stem(const Nhwc&, const Nhwc&, const StemWeights&, const Conv2d&, std::span<std::byte>) {
  fail(ErrorKind::internal, "stem is not in this build");
}

#endif

bool is_stem(const Conv2d& op, std::int64_t channels, DType dtype) {
  static const bool has = has_stem();
  return has && (dtype == DType::bf16 || is_8bit(dtype)) && op.groups == 1 && op.dilation.w == 1 && !op.residual &&
         channels <= most_channels && op.kernel.h * Geometry(op, channels, 0, dtype).steps >= least_steps;
}

}  // namespace giemsa::cpu
