#include "engine/cpu/linear.h"

#include <algorithm>
#include <cstring>

#include "engine/cpu/simd.h"
#include "engine/tensor.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
#endif

// GCC 12's own AVX-512 header sets a variable from itself to say "undefined" (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

namespace giemsa::cpu {

namespace {

constexpr std::int64_t lanes = 16;  // partial sums of an output, whatever the vector width

/// Asks for from[index], which may lie past the end: a prefetch never faults, but a pointer must not be made to point
/// there.
template <class T>
GIEMSA_INLINE void prefetch(const T* from, std::int64_t index) {
  const auto address = reinterpret_cast<std::uintptr_t>(from) + static_cast<std::uintptr_t>(index) * sizeof(T);
  __builtin_prefetch(reinterpret_cast<const void*>(address), 0, 2);
}

namespace baseline {

using Vec = float __attribute__((vector_size(16)));
constexpr int tile_rows = 2, tile_samples = 1;
inline void load(const float* from, Vec& to) {
  std::memcpy(&to, from, sizeof(to));
}
inline void load(const std::int8_t* from, Vec& to) {
  to = Vec{float(from[0]), float(from[1]), float(from[2]), float(from[3])};
}
inline void load(const std::uint16_t* from, Vec& to) {
  to = Vec{bf16_to_f32(from[0]), bf16_to_f32(from[1]), bf16_to_f32(from[2]), bf16_to_f32(from[3])};
}
#include "engine/cpu/linear_tile.inc"

}  // namespace baseline

#ifdef GIEMSA_X86

inline __m128i load_128(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {

using Vec = __m256;
constexpr int tile_rows = 2, tile_samples = 2;
inline void load(const float* from, Vec& to) {
  to = _mm256_loadu_ps(from);
}
inline void load(const std::int8_t* from, Vec& to) {
  to = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}
inline void load(const std::uint16_t* from, Vec& to) {
  to = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_128(from)), 16));
}
#include "engine/cpu/linear_tile.inc"

}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f")
namespace avx512 {

using Vec = __m512;
constexpr int tile_rows = 4, tile_samples = 4;
inline void load(const float* from, Vec& to) {
  to = _mm512_loadu_ps(from);
}
inline void load(const std::int8_t* from, Vec& to) {
  to = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load_128(from)));
}
inline void load(const std::uint16_t* from, Vec& to) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  to = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
#include "engine/cpu/linear_tile.inc"

}  // namespace avx512
#pragma GCC pop_options

#endif

template <class W>
using Multiply = void (*)(const LinearArgs&, const W*, std::int64_t, std::int64_t);

template <class W>
Multiply<W> best_multiply() {
#ifdef GIEMSA_X86
  if (__builtin_cpu_supports("avx512f")) return avx512::multiply<W>;
  if (__builtin_cpu_supports("avx2")) return avx2::multiply<W>;
#endif
  return baseline::multiply<W>;
}

/// Shares the outputs out in small chunks, since cores are not equally fast.
template <class W>
void share_outputs(const LinearArgs& args, const W* weight) {
  static const Multiply<W> multiply = best_multiply<W>();
  constexpr std::int64_t chunk = 32;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t begin = 0; begin < args.out; begin += chunk)
    multiply(args, weight, begin, std::min(begin + chunk, args.out));
}

}  // namespace

void linear_int8(const LinearArgs& args, const std::int8_t* weight) {
  share_outputs(args, weight);
}
void linear_f32(const LinearArgs& args, const float* weight) {
  share_outputs(args, weight);
}
void linear_bf16(const LinearArgs& args, const std::uint16_t* weight) {
  share_outputs(args, weight);
}

}  // namespace giemsa::cpu
