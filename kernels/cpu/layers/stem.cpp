#include "kernels/cpu/layers/stem.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "kernels/cpu/ceil_div.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/simd.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
#endif

namespace giemsa::kernels::cpu {

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
  Geometry(const ConvolutionParams& params, std::int64_t width, Element type)
      : element(size_of(type)),
        steps(ceil_div(params.window.kernel.w * params.in_channels * element, lane_bytes)),
        vectors(ceil_div(params.out_channels, lanes)),
        pixel_bytes(params.window.stride.w * params.in_channels * element),
        // The last step of the last pixel may reach beyond it.
        row_bytes((width + 2 * params.window.padding.w) * params.in_channels * element + lane_bytes) {}

  std::int64_t element;      ///< bytes
  std::int64_t steps;        ///< of a kernel row
  std::int64_t vectors;      ///< of outputs
  std::int64_t pixel_bytes;  ///< from what one output pixel reads to what the next does
  std::int64_t row_bytes;    ///< of a band
};

std::int64_t band_rows(const ConvolutionParams& params, std::int64_t rows) {
  return (rows - 1) * params.window.stride.h + (params.window.kernel.h - 1) * params.window.dilation.h + 1;
}

std::int64_t padded(std::int64_t bytes) {
  return ceil_div(bytes, static_cast<std::int64_t>(scratch_alignment)) * static_cast<std::int64_t>(scratch_alignment);
}

/// What all tiles of a band share.
struct Work {
  const Nhwc& dst;
  const StemWeights& weights;
  const ConvolutionParams& params;
  Geometry at;
  std::span<const std::int64_t> offsets;  ///< in a band, of each step of a pixel's taps
};

/// Computes outputs of a few pixels of one output row; see stem.simd.h.
using Tile = void (*)(const Work&, const std::byte*, const StemLine*, std::int64_t, std::int64_t);

}  // namespace

}  // namespace giemsa::kernels::cpu

#define GIEMSA_SIMD_LOOPS "kernels/cpu/layers/stem.simd.h"
#define GIEMSA_SIMD_SETS GIEMSA_AVX512_BF16
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

namespace {

/// Where each step of an output pixel reads, from its first tap on.
std::span<const std::int64_t> offsets_of_steps(Scratch& memory, const ConvolutionParams& params, const Geometry& at) {
  auto* offsets = memory.take<std::int64_t>(params.window.kernel.h * at.steps);
  for (std::int64_t i = 0; i < params.window.kernel.h * at.steps; ++i)
    offsets[i] = i / at.steps * params.window.dilation.h * at.row_bytes + i % at.steps * lane_bytes;
  return {offsets, static_cast<std::size_t>(params.window.kernel.h * at.steps)};
}

/// Puts weights in the order in which the kernel reads them: [block of vectors][kernel row][step][vector], a lane's
/// elements side by side.
template <class T, class From, class Convert>
std::vector<StemLine> pack(const ConvolutionParams& params, Element element, std::span<const From> weight,
                           Convert convert) {
  constexpr auto per_lane = lane_bytes / static_cast<std::int64_t>(sizeof(T));
  const Geometry at(params, 0, element);
  const std::int64_t channels = params.in_channels;
  std::vector<StemLine> lines(static_cast<std::size_t>(params.window.kernel.h * at.steps * at.vectors), StemLine{});
  auto line = lines.begin();
  for (std::int64_t block = 0; block < ceil_div(at.vectors, tile_vectors); ++block) {
    const Part part = part_of(at.vectors, tile_vectors, block);
    for (std::int64_t ky = 0; ky < params.window.kernel.h; ++ky)
      for (std::int64_t step = 0; step < at.steps; ++step)
        for (std::int64_t v = part.begin; v < part.begin + part.size; ++v, ++line)
          for (std::int64_t i = 0; i < lanes * per_lane; ++i) {
            const std::int64_t o = v * lanes + i / per_lane, k = step * per_lane + i % per_lane;
            if (o >= params.out_channels || k >= params.window.kernel.w * channels) continue;
            const std::int64_t kx = k / channels, c = k % channels;
            const std::int64_t from = ((o * channels + c) * params.window.kernel.h + ky) * params.window.kernel.w + kx;
            const T value = convert(weight[static_cast<std::size_t>(from)]);
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

StemWeights pack_stem(const ConvolutionParams& params, std::span<const float> weight, std::span<const float> bias) {
  StemWeights packed;
  packed.lines = pack<std::uint16_t>(params, Element::bf16, weight, bf16_bits);
  packed.bias = padded_copy(bias);
  return packed;
}

StemWeights pack_stem(const ConvolutionParams& params, Element element, std::span<const std::int8_t> weight,
                      std::span<const float> bias, std::span<const float> scale) {
  StemWeights packed;
  packed.lines = pack<std::int8_t>(params, element, weight, [](std::int8_t value) { return value; });
  packed.bias = padded_copy(bias);
  packed.scale = padded_copy(scale);
  packed.surplus.resize(packed.bias.size(), 0);
  const std::size_t taps = weight.size() / bias.size();
  if (element == Element::i8)
    for (std::size_t i = 0; i < weight.size(); ++i) packed.surplus[i / taps] += 128 * weight[i];
  return packed;
}

std::size_t stem_scratch_bytes(const ConvolutionParams& params, std::int64_t width, Element element) {
  const Geometry at(params, width, element);
  return scratch_bytes_of<std::int64_t>(params.window.kernel.h * at.steps) +
         scratch_bytes_of<std::byte>(max_threads() * padded(band_rows(params, most_rows) * at.row_bytes));
}

#ifdef GIEMSA_X86

namespace {

/// The rows of image `n` that output rows `rows` read.
void fill_band(std::byte* band, const Nhwc& src, std::int64_t n, Part rows, const ConvolutionParams& params,
               const Geometry& at) {
  const std::byte zero = src.element == Element::i8 ? std::byte{0x80} : std::byte{0};
  const std::int64_t pixel = src.c * at.element, left = params.window.padding.w * pixel;
  const std::int64_t top = rows.begin * params.window.stride.h - params.window.padding.h;
  for (std::int64_t i = 0; i < band_rows(params, rows.size); ++i, band += at.row_bytes) {
    const std::int64_t y = top + i;
    std::fill_n(band, at.row_bytes, zero);
    if (y >= 0 && y < src.h)
      avx512_bf16::copy_elements(band + left, src.data + (n * src.h + y) * src.w * pixel, src.w * pixel, zero);
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
        const std::byte* in = band + row * work.params.window.stride.h * at.row_bytes + pixels.begin * at.pixel_bytes;
        const std::int64_t to = (n * dst.h + rows.begin + row) * dst.w + pixels.begin;
        tile_kernels[(pixels.size - 1) * tile_vectors + vectors.size - 1](work, in, w, to, vectors.begin * lanes);
      }
    w += work.params.window.kernel.h * at.steps * vectors.size;
  }
}

}  // namespace

void stem(const Nhwc& dst, const Nhwc& src, const StemWeights& weights, const ConvolutionParams& params,
          std::span<std::byte> scratch) {
  const Geometry at(params, src.w, src.element);
  Scratch memory(scratch);
  const std::span<const std::int64_t> offsets = offsets_of_steps(memory, params, at);
  const Work work{dst, weights, params, at, offsets};
  const Tile* tile_kernels = avx512_bf16::tiles_for(src.element);
  const int threads = max_threads();
  // Few rows at once where there are few, so that threads end together.
  const std::int64_t most = std::clamp<std::int64_t>(dst.n * dst.h / (8 * threads), 1, most_rows);
  const std::int64_t bands = ceil_div(dst.h, most);
  const std::int64_t band_bytes = padded(band_rows(params, most_rows) * at.row_bytes);
  auto* all = memory.take<std::byte>(threads * band_bytes);
  parallel_for_with_scratch(dst.n * bands, threads, [&](std::int64_t job, int thread) {
    std::byte* band = all + thread * band_bytes;
    const Part rows = part_of(dst.h, most, job % bands);
    fill_band(band, src, job / bands, rows, params, at);
    compute_band(work, tile_kernels, band, job / bands, rows);
  });
}

#else

void stem(const Nhwc&, const Nhwc&, const StemWeights&, const ConvolutionParams&, std::span<std::byte>) {
  require(false, "stem is not in this build");
}

#endif

bool stem_pays(const ConvolutionParams& params, Element element) {
  return has(InstructionSet::avx512_bf16) && element != Element::f32 && params.window.dilation.w == 1 &&
         params.in_channels <= most_channels &&
         params.window.kernel.h * Geometry(params, 0, element).steps >= least_steps;
}

}  // namespace giemsa::kernels::cpu
