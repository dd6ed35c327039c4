// The loops of linear.cpp, compiled for each instruction set.

using Operand = float;

#if GIEMSA_SIMD_SET == GIEMSA_BASELINE

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
  return Operands{load(Bf16{from[0]}), load(Bf16{from[1]}), load(Bf16{from[2]}), load(Bf16{from[3]})};
}
inline void keep(const Operands&) {}
inline void multiply_add(Vec& sum, const Operands& w, const Operands& x) {
  sum += w * x;
}

#elif GIEMSA_SIMD_SET == GIEMSA_AVX2

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

#else

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

#endif

#include "kernels/cpu/matmul/linear_tile.simd.h"
