#include "engine/cpu/linear_dot.h"

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

using Bits = std::uint16_t;
constexpr std::int64_t lanes = 16;  // partial sums of an output

}  // namespace

std::size_t linear_dot_scratch_bytes(std::int64_t samples, std::int64_t in) {
  return PackedSamples<Bits>::bytes(samples, in);
}

#ifdef GIEMSA_X86

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512bf16")

namespace {

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

#include "engine/cpu/linear_tile.inc"

void round_padded(const float* from, std::int64_t count, Bits* to) {
  decode_row(from, count, 0, to);
}

}  // namespace

#pragma GCC pop_options

namespace {

template <class W>
void linear_dot(const LinearArgs& args, const W* weight, std::span<std::byte> scratch) {
  share_outputs<Bits>(args.x, args.samples, args.in, args.out, scratch, round_padded,
                      [&](const PackedSamples<Bits>& samples, std::int64_t begin, std::int64_t end) {
                        multiply(args, weight, samples, begin, end);
                      });
}

}  // namespace

bool has_linear_dot() {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw");
}

#else

namespace {

template <class W>
[[noreturn]] void linear_dot(const LinearArgs&, const W*, std::span<std::byte>) {
  fail(ErrorKind::internal, "linear_dot is not in this build");
}

}  // namespace

bool has_linear_dot() {
  return false;
}

#endif

void linear_dot_int8(const LinearArgs& args, const std::int8_t* weight, std::span<std::byte> scratch) {
  linear_dot(args, weight, scratch);
}
void linear_dot_f32(const LinearArgs& args, const float* weight, std::span<std::byte> scratch) {
  linear_dot(args, weight, scratch);
}
void linear_dot_bf16(const LinearArgs& args, const std::uint16_t* weight, std::span<std::byte> scratch) {
  linear_dot(args, weight, scratch);
}

}  // namespace giemsa::cpu
