// The loops of linear_dot.cpp, compiled for AVX512_BF16.

using Operand = Bits;
using Operands = __m512bh;
using Vec = __m512;
constexpr int tile_rows = 4, tile_samples = 4, few_rows = 4;

inline Operands load_operands(const Bits* from) {
  Operands to;
  std::memcpy(&to, from, sizeof(to));
  return to;
}
inline void keep(Operands& operands) {
  asm("" : "+v"(operands));
}
inline void multiply_add(Vec& sum, const Operands& w, const Operands& x) {
  sum = _mm512_dpbf16_ps(sum, w, x);
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
  Bits bits[32];
  std::memcpy(bits, &rounded, sizeof(bits));
  return decode(bits);
}

#include "kernels/cpu/matmul/linear_tile.simd.h"

void round_padded(const float* from, std::int64_t count, Bits* to) {
  decode_row(from, count, 0, to);
}
