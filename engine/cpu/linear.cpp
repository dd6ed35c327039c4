#include "engine/cpu/linear.h"

#include <algorithm>
#include <cstring>

#include "engine/base/simd.h"
#include "engine/base/tensor.h"
#include "engine/cpu/linear_samples.h"
#include "engine/cpu/prefetch.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
// GCC 12's own AVX-512 header sets a variable from itself to say "undefined" (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace giemsa::cpu {

namespace {

constexpr std::int64_t lanes = 16;  // partial sums of an output, whatever the vector width

namespace baseline {

using Operand = float;
using Vec = float __attribute__((vector_size(16)));
using Operands = Vec;
constexpr int tile_rows = 2, tile_samples = 1, few_rows = 2;
inline Operands load_operands(const float* from) {
  Operands to;
  std::memcpy(&to, from, sizeof(to));
  return to;
}
inline Operands decode(const float* from) {
  return load_operands(from);
}
inline Operands decode(const std::int8_t* from) {
  return Operands{float(from[0]), float(from[1]), float(from[2]), float(from[3])};
}
inline Operands decode(const std::uint16_t* from) {
  return Operands{bf16_to_f32(from[0]), bf16_to_f32(from[1]), bf16_to_f32(from[2]), bf16_to_f32(from[3])};
}
inline void keep(const Operands&) {}
inline void multiply_add(Vec& sum, const Operands& w, const Operands& x) {
  sum += w * x;
}
#include "engine/cpu/linear_tile.inc"

}  // namespace baseline

#ifdef GIEMSA_X86

inline __m128i load_128(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {

using Operand = float;
using Vec = __m256;
using Operands = Vec;
constexpr int tile_rows = 2, tile_samples = 2, few_rows = 2;
inline Operands load_operands(const float* from) {
  return _mm256_loadu_ps(from);
}
inline Operands decode(const float* from) {
  return _mm256_loadu_ps(from);
}
inline Operands decode(const std::int8_t* from) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}
inline Operands decode(const std::uint16_t* from) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_128(from)), 16));
}
inline void keep(Operands& operands) {
  asm("" : "+x"(operands));
}
inline void multiply_add(Vec& sum, const Operands& w, const Operands& x) {
  sum = _mm256_fmadd_ps(w, x, sum);
}
#include "engine/cpu/linear_tile.inc"

}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f")
namespace avx512 {

using Operand = float;
using Vec = __m512;
using Operands = Vec;
constexpr int tile_rows = 8, tile_samples = 2, few_rows = 4;
inline Operands load_operands(const float* from) {
  return _mm512_loadu_ps(from);
}
inline Operands decode(const float* from) {
  return _mm512_loadu_ps(from);
}
inline Operands decode(const std::int8_t* from) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load_128(from)));
}
inline Operands decode(const std::uint16_t* from) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
inline void keep(Operands& operands) {
  asm("" : "+v"(operands));
}
inline void multiply_add(Vec& sum, const Operands& w, const Operands& x) {
  sum = _mm512_fmadd_ps(w, x, sum);
}
#include "engine/cpu/linear_tile.inc"

}  // namespace avx512
#pragma GCC pop_options

#endif

template <class W>
using Multiply = void (*)(const LinearArgs&, const W*, const PackedSamples<float>&, std::int64_t, std::int64_t);

template <class W>
Multiply<W> best_multiply() {
#ifdef GIEMSA_X86
  if (__builtin_cpu_supports("avx512f")) return avx512::multiply<W>;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2::multiply<W>;
#endif
  return baseline::multiply<W>;
}

void copy_padded(const float* from, std::int64_t count, float* to) {
  std::copy_n(from, count, to);
  std::fill(to + count, to + PackedSamples<float>::padded(count), 0.0f);
}

template <class W>
void linear(const LinearArgs& args, const W* weight, std::span<std::byte> scratch) {
  static const Multiply<W> multiply = best_multiply<W>();
  share_outputs<float>(args.x, args.samples, args.in, args.out, scratch, copy_padded,
                       [&](const PackedSamples<float>& samples, std::int64_t begin, std::int64_t end) {
                         multiply(args, weight, samples, begin, end);
                       });
}

}  // namespace

std::size_t linear_scratch_bytes(std::int64_t samples, std::int64_t in) {
  return PackedSamples<float>::bytes(samples, in);
}

void linear_int8(const LinearArgs& args, const std::int8_t* weight, std::span<std::byte> scratch) {
  linear(args, weight, scratch);
}
void linear_f32(const LinearArgs& args, const float* weight, std::span<std::byte> scratch) {
  linear(args, weight, scratch);
}
void linear_bf16(const LinearArgs& args, const std::uint16_t* weight, std::span<std::byte> scratch) {
  linear(args, weight, scratch);
}

}  // namespace giemsa::cpu
