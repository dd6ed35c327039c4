#include "engine/cpu/linear_integer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/simd.h"
#include "engine/cpu/linear_samples.h"
#include "engine/cpu/nhwc.h"
#include "engine/cpu/prefetch.h"
#include "engine/plan/storage.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
// GCC 12's own AVX-512 header sets a variable from itself to say "undefined" (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

namespace giemsa::cpu {

namespace {

using Samples = PackedSamples<std::uint8_t>;
constexpr std::int64_t line = Samples::line;  // bytes that come from memory at once
constexpr std::int64_t stretch = Samples::stretch;

/// What is made of sums is made for so many outputs at once.
constexpr std::int64_t quad = 4;
using Totals = std::int32_t __attribute__((vector_size(4 * quad)));
using Results = float __attribute__((vector_size(4 * quad)));

inline void store_results(float* y, const Results& values, std::int64_t count) {
  std::memcpy(y, &values, static_cast<std::size_t>(count) * sizeof(float));
}
inline void store_results(std::uint8_t* y, const Results& values, std::int64_t count) {
  for (std::int64_t r = 0; r < count; ++r) store(y[r], values[r]);
}

namespace baseline {

constexpr std::int64_t step = 16;
constexpr int tile_rows = 1, tile_samples = 1;
using Bytes = std::array<std::uint8_t, step>;
using Sums = std::int32_t __attribute__((vector_size(16)));
inline Bytes load_bytes(const void* from) {
  Bytes to;
  std::memcpy(to.data(), from, sizeof(to));
  return to;
}
inline void keep(const Bytes&) {}
inline void add_products(Sums& sums, const Bytes& x, const Bytes& w) {
  std::int32_t part[4] = {};
  for (std::size_t i = 0; i < step; ++i) part[i / 4] += std::int32_t{x[i]} * static_cast<std::int8_t>(w[i]);
  sums += Sums{part[0], part[1], part[2], part[3]};
}
inline Totals totals(const Sums (&sums)[quad]) {
  Totals all;
  for (std::int64_t r = 0; r < quad; ++r) all[r] = sums[r][0] + sums[r][1] + sums[r][2] + sums[r][3];
  return all;
}
#include "engine/cpu/linear_integer_tile.inc"

}  // namespace baseline

#ifdef GIEMSA_X86

#pragma GCC push_options
#pragma GCC target("avx2,avxvnni")
namespace avx_vnni {

constexpr std::int64_t step = 32;
constexpr int tile_rows = 4, tile_samples = 2;
using Bytes = __m256i;
using Sums = std::int32_t __attribute__((vector_size(32)));
inline Bytes load_bytes(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
inline void keep(Bytes& bytes) {
  asm("" : "+x"(bytes));
}
inline void add_products(Sums& sums, const Bytes& x, const Bytes& w) {
  sums = reinterpret_cast<Sums>(_mm256_dpbusd_avx_epi32(reinterpret_cast<__m256i>(sums), x, w));
}
inline __m256i add_pairs(const Sums& a, const Sums& b) {
  return _mm256_hadd_epi32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b));
}
inline Totals totals(const Sums (&sums)[quad]) {
  const __m256i fours = _mm256_hadd_epi32(add_pairs(sums[0], sums[1]), add_pairs(sums[2], sums[3]));
  return reinterpret_cast<Totals>(_mm_add_epi32(_mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1)));
}
#include "engine/cpu/linear_integer_tile.inc"

}  // namespace avx_vnni
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vnni")
namespace avx512_vnni {

constexpr std::int64_t step = 64;
constexpr int tile_rows = 8, tile_samples = 2;
using Bytes = __m512i;
using Sums = std::int32_t __attribute__((vector_size(64)));
inline Bytes load_bytes(const void* from) {
  return _mm512_loadu_si512(from);
}
inline void keep(Bytes& bytes) {
  asm("" : "+v"(bytes));
}
inline void add_products(Sums& sums, const Bytes& x, const Bytes& w) {
  sums = reinterpret_cast<Sums>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sums), x, w));
}
/// In each quarter: half of a's sum, of b's, the other half of a's, of b's.
inline __m512i add_pairs(const Sums& a, const Sums& b) {
  const auto left = reinterpret_cast<__m512i>(a), right = reinterpret_cast<__m512i>(b);
  return _mm512_add_epi32(_mm512_unpacklo_epi32(left, right), _mm512_unpackhi_epi32(left, right));
}
inline Totals totals(const Sums (&sums)[quad]) {
  const __m512i left = add_pairs(sums[0], sums[1]), right = add_pairs(sums[2], sums[3]);
  const __m512i fours = _mm512_add_epi32(_mm512_unpacklo_epi64(left, right), _mm512_unpackhi_epi64(left, right));
  const __m256i eights = _mm256_add_epi32(_mm512_castsi512_si256(fours), _mm512_extracti64x4_epi64(fours, 1));
  return reinterpret_cast<Totals>(_mm_add_epi32(_mm256_castsi256_si128(eights), _mm256_extracti128_si256(eights, 1)));
}
#include "engine/cpu/linear_integer_tile.inc"

}  // namespace avx512_vnni
#pragma GCC pop_options

#endif

/// Outputs begin .. end of a block of samples.
template <class T>
using Multiply = void (*)(const IntegerLinearArgs&, T*, const Samples&, std::int64_t begin, std::int64_t end);

template <class T>
Multiply<T> multiply_on(IntegerLinearIsa isa) {
#ifdef GIEMSA_X86
  if (isa == IntegerLinearIsa::avx512_vnni) return avx512_vnni::multiply<T>;
  if (isa == IntegerLinearIsa::avx_vnni) return avx_vnni::multiply<T>;
#endif
  static_cast<void>(isa);
  return baseline::multiply<T>;
}

std::vector<IntegerLinearIsa> usable() {
  std::vector<IntegerLinearIsa> usable;
#ifdef GIEMSA_X86
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw"))
    usable.push_back(IntegerLinearIsa::avx512_vnni);
  if (__builtin_cpu_supports("avxvnni")) usable.push_back(IntegerLinearIsa::avx_vnni);
#endif
  usable.push_back(IntegerLinearIsa::any);
  return usable;
}

void copy_padded(const std::uint8_t* from, std::int64_t count, std::uint8_t* to) {
  std::copy_n(from, count, to);
  std::fill(to + count, to + Samples::padded(count), std::uint8_t{0});
}

template <class T>
void linear(const IntegerLinearArgs& args, T* y, std::span<std::byte> scratch, IntegerLinearIsa isa) {
  check(args.in <= longest_integer_row, ErrorKind::internal, "sums of ", args.in, " products may overflow");
  const Multiply<T> multiply = multiply_on<T>(isa);
  share_outputs<std::uint8_t>(
      args.x, args.samples, args.in, args.out, scratch, copy_padded,
      [&](const Samples& samples, std::int64_t begin, std::int64_t end) { multiply(args, y, samples, begin, end); });
}

}  // namespace

std::size_t linear_integer_scratch_bytes(std::int64_t samples, std::int64_t in) {
  return Samples::bytes(samples, in);
}

std::span<const IntegerLinearIsa> integer_linear_isas() {
  static const std::vector<IntegerLinearIsa> isas = usable();
  return isas;
}

void linear_integer(const IntegerLinearArgs& args, float* y, std::span<std::byte> scratch, IntegerLinearIsa isa) {
  linear(args, y, scratch, isa);
}
void linear_integer(const IntegerLinearArgs& args, std::uint8_t* y, std::span<std::byte> scratch,
                    IntegerLinearIsa isa) {
  linear(args, y, scratch, isa);
}

}  // namespace giemsa::cpu
