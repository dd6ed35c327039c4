#include "engine/cpu/linear_dot.h"

#include <algorithm>
#include <cstring>

#include "engine/cpu/scratch.h"
#include "engine/cpu/simd.h"
#include "engine/tensor.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
#endif

// GCC 12's own AVX-512 header sets a variable from itself to say "undefined" (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

namespace giemsa::cpu {

namespace {

constexpr std::int64_t step = 32;      // elements of a vector of bfloat16
constexpr std::int64_t stretch = 512;  // elements of a row that are decoded at a time
constexpr int tile_rows = 4, tile_samples = 4, block_samples = 16;

std::int64_t padded(std::int64_t in) {
  return (in + step - 1) / step * step;
}

}  // namespace

std::size_t linear_dot_scratch_bytes(std::int64_t samples, std::int64_t in) {
  return scratch_bytes_of<std::uint16_t>(samples * padded(in));
}

#ifdef GIEMSA_X86

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512bf16")

namespace {

using Bits = std::uint16_t;

inline __m512bh load_dots(const Bits* from) {
  __m512bh to;
  std::memcpy(&to, from, sizeof(to));
  return to;
}

// 32 elements as bfloat16, element i beside element i + 16: weights and inputs alike, so their products are the same.
// It takes a shift where the order in memory would take a shuffle, of which there are too few units.
inline __m512bh beside(__m512i low, __m512i high) {
  const __m512i both = _mm512_or_si512(low, high);
  __m512bh to;
  std::memcpy(&to, &both, sizeof(to));
  return to;
}
inline __m512i to_float_bits(const std::int8_t* from) {
  return _mm512_castps_si512(
      _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))));
}
inline __m512bh decode(
    const std::int8_t* from) {  // a whole number below 2^8 has nothing in the lower half of its float
  return beside(_mm512_srli_epi32(to_float_bits(from), 16), to_float_bits(from + 16));
}
inline __m512i widen(const Bits* from) {
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
inline __m512bh decode(const Bits* from) {
  return beside(widen(from), _mm512_slli_epi32(widen(from + 16), 16));
}
inline __m512bh decode(const float* from) {
  const __m512bh rounded = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + 16), _mm512_loadu_ps(from));
  Bits bits[step];
  std::memcpy(bits, &rounded, sizeof(bits));
  return decode(bits);
}

/// Asks for from[index], which may lie past the end: a prefetch never faults, but a pointer must not be made to point
/// there.
template <class T>
inline void prefetch(const T* from, std::int64_t index) {
  const auto address = reinterpret_cast<std::uintptr_t>(from) + static_cast<std::uintptr_t>(index) * sizeof(T);
  __builtin_prefetch(reinterpret_cast<const void*>(address), 0, 2);
}

/// `count` elements as bfloat16, zeros up to a multiple of `step`. Rows of int8 are so short that the hardware
/// prefetcher starts anew with each: asks for what lies `ahead` elements on.
template <class W>
void decode_row(const W* from, std::int64_t count, std::int64_t ahead, Bits* to) {
  constexpr std::int64_t line = 64 / sizeof(W);
  std::int64_t k = 0;
  for (; k + step <= count; k += step) {
    for (std::int64_t i = 0; i < step; i += line)
      if ((k + i) % line == 0) prefetch(from, ahead + k + i);
    const __m512bh values = decode(from + k);
    std::memcpy(to + k, &values, sizeof(values));
  }
  if (k == count) return;
  W rest[step] = {};
  std::copy(from + k, from + count, rest);
  const __m512bh values = decode(rest);
  std::memcpy(to + k, &values, sizeof(values));
}

/// Sums of Rows outputs for each of the samples of a block.
template <int Rows>
using Sums = __m512[block_samples][Rows];

/// Adds n products to the sums of Samples samples; rows of w are `stretch` apart, those of x `x_stride`.
template <int Rows, int Samples>
inline void accumulate(__m512 (*sums)[Rows], const Bits* w, const Bits* x, std::int64_t x_stride, std::int64_t n) {
  __m512 sum[Samples][Rows];
  for (int s = 0; s < Samples; ++s)
    for (int r = 0; r < Rows; ++r) sum[s][r] = sums[s][r];
  for (std::int64_t k = 0; k < n; k += step) {
    __m512bh wv[Rows];
    for (int r = 0; r < Rows; ++r) wv[r] = load_dots(w + r * stretch + k);
    for (int s = 0; s < Samples; ++s) {
      const __m512bh xv = load_dots(x + s * x_stride + k);
      for (int r = 0; r < Rows; ++r) sum[s][r] = _mm512_dpbf16_ps(sum[s][r], wv[r], xv);
    }
  }
  for (int s = 0; s < Samples; ++s)
    for (int r = 0; r < Rows; ++r) sums[s][r] = sum[s][r];
}

float total(const __m512& sums) {
  float part[16];
  std::memcpy(part, &sums, sizeof(part));
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) part[i] += part[i + half];
  return part[0];
}

/// Outputs o .. o + Rows of the samples first .. first + count, count <= block_samples. `x` are all rounded inputs.
template <int Rows, class W>
void outputs(const LinearArgs& args, const W* weight, const Bits* x, std::int64_t o, std::int64_t first,
             std::int64_t count) {
  const std::int64_t x_stride = padded(args.in);
  Sums<Rows> sums = {};
  alignas(64) Bits w[Rows * stretch];
  for (std::int64_t k = 0; k < args.in; k += stretch) {
    const std::int64_t here = std::min(stretch, args.in - k);
    for (int r = 0; r < Rows; ++r) decode_row(weight + (o + r) * args.in + k, here, Rows * args.in, w + r * stretch);
    const Bits* from = x + first * x_stride + k;
    std::int64_t s = 0;
    for (; s + tile_samples <= count; s += tile_samples)
      accumulate<Rows, tile_samples>(sums + s, w, from + s * x_stride, x_stride, here);
    for (; s < count; ++s) accumulate<Rows, 1>(sums + s, w, from + s * x_stride, x_stride, here);
  }
  for (std::int64_t s = 0; s < count; ++s)
    for (int r = 0; r < Rows; ++r) finish(args, o + r, first + s, total(sums[s][r]));
}

/// The same of one sample: decoded weights would be used once, so they stay in registers. The same sums in the same order.
template <int Rows, class W>
void outputs_of_one(const LinearArgs& args, const W* weight, const Bits* x, std::int64_t o, std::int64_t n) {
  constexpr std::int64_t line = 64 / sizeof(W);
  const W* w = weight + o * args.in;
  const Bits* from = x + n * padded(args.in);
  const std::int64_t whole = args.in / step * step;
  __m512 sum[Rows] = {};
  for (std::int64_t k = 0; k < whole; k += step) {
    const __m512bh xv = load_dots(from + k);
    for (int r = 0; r < Rows; ++r) {
      for (std::int64_t i = 0; i < step; i += line)
        if ((k + i) % line == 0) prefetch(w, (r + Rows) * args.in + k + i);
      sum[r] = _mm512_dpbf16_ps(sum[r], decode(w + r * args.in + k), xv);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    if (whole < args.in) {
      alignas(64) Bits rest[step];
      decode_row(w + r * args.in + whole, args.in - whole, 0, rest);
      sum[r] = _mm512_dpbf16_ps(sum[r], load_dots(rest), load_dots(from + whole));
    }
    finish(args, o + r, n, total(sum[r]));
  }
}

/// Outputs begin .. end of all samples.
template <class W>
void multiply(const LinearArgs& args, const W* weight, const Bits* x, std::int64_t begin, std::int64_t end) {
  for (std::int64_t first = 0; first < args.samples; first += block_samples) {
    const std::int64_t count = std::min<std::int64_t>(block_samples, args.samples - first);
    std::int64_t o = begin;
    for (; count == 1 && o + tile_rows <= end; o += tile_rows)
      outputs_of_one<tile_rows>(args, weight, x, o, first);
    for (; o + tile_rows <= end; o += tile_rows) outputs<tile_rows>(args, weight, x, o, first, count);
    for (; o < end; ++o) outputs<1>(args, weight, x, o, first, count);
  }
}

/// Rounds the inputs of sample `n`.
void round_inputs(const LinearArgs& args, std::int64_t n, Bits* x) {
  decode_row(args.x + n * args.in, args.in, 0, x + n * padded(args.in));
}

}  // namespace

#pragma GCC pop_options

namespace {

template <class W>
void share_outputs(const LinearArgs& args, const W* weight, std::span<std::byte> scratch) {
  Bits* x = Scratch(scratch).take<Bits>(args.samples * padded(args.in));
  for (std::int64_t n = 0; n < args.samples; ++n) round_inputs(args, n, x);
  constexpr std::int64_t chunk = 32;  // small, since cores are not equally fast
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t begin = 0; begin < args.out; begin += chunk)
    multiply(args, weight, x, begin, std::min(begin + chunk, args.out));
}

}  // namespace

bool has_linear_dot() {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw");
}

#else

namespace {

template <class W>
[[noreturn]] void share_outputs(const LinearArgs&, const W*, std::span<std::byte>) {
  fail(ErrorKind::internal, "linear_dot is not in this build");
}

}  // namespace

bool has_linear_dot() {
  return false;
}

#endif

void linear_dot_int8(const LinearArgs& args, const std::int8_t* weight, std::span<std::byte> scratch) {
  share_outputs(args, weight, scratch);
}
void linear_dot_f32(const LinearArgs& args, const float* weight, std::span<std::byte> scratch) {
  share_outputs(args, weight, scratch);
}
void linear_dot_bf16(const LinearArgs& args, const std::uint16_t* weight, std::span<std::byte> scratch) {
  share_outputs(args, weight, scratch);
}

}  // namespace giemsa::cpu
