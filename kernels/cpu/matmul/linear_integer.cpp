#include "kernels/cpu/matmul/linear_integer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "kernels/cpu/elements.h"
#include "kernels/cpu/matmul/linear_samples.h"
#include "kernels/cpu/prefetch.h"
#include "kernels/cpu/require.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
#endif

namespace giemsa::kernels::cpu {

namespace {

using Samples = PackedSamples<std::uint8_t>;
constexpr std::int64_t line = Samples::line;  // bytes that come from memory at once
constexpr std::int64_t stretch = Samples::stretch;

/// Sums become outputs four at a time.
constexpr std::int64_t quad = 4;
using Totals = std::int32_t __attribute__((vector_size(4 * quad)));
using Results = float __attribute__((vector_size(4 * quad)));

inline void store_results(float* y, const Results& values, std::int64_t count) {
  std::memcpy(y, &values, static_cast<std::size_t>(count) * sizeof(float));
}
inline void store_results(std::uint8_t* y, const Results& values, std::int64_t count) {
  for (std::int64_t r = 0; r < count; ++r) store(y[r], values[r]);
}

}  // namespace

}  // namespace giemsa::kernels::cpu

#define GIEMSA_SIMD_LOOPS "kernels/cpu/matmul/linear_integer.simd.h"
#define GIEMSA_SIMD_SETS (GIEMSA_BASELINE | GIEMSA_AVX_VNNI | GIEMSA_AVX512_VNNI)
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

namespace {

/// Outputs begin .. end of a block of samples.
template <class T>
using Multiply = void (*)(const IntegerLinearParams&, T*, const Samples&, std::int64_t begin, std::int64_t end);

template <class T>
Multiply<T> multiply_on(InstructionSet set) {
#ifdef GIEMSA_X86
  if (set == InstructionSet::avx512_vnni) return avx512_vnni::multiply<T>;
  if (set == InstructionSet::avx_vnni) return avx_vnni::multiply<T>;
#endif
  require(set == InstructionSet::baseline, "linear_integer is not compiled for this instruction set");
  return baseline::multiply<T>;
}

std::vector<InstructionSet> usable_sets() {
  std::vector<InstructionSet> sets;
  for (const InstructionSet set : {InstructionSet::avx512_vnni, InstructionSet::avx_vnni, InstructionSet::baseline})
    if (has(set)) sets.push_back(set);
  return sets;
}

void copy_padded(const std::uint8_t* from, std::int64_t count, std::uint8_t* to) {
  std::copy_n(from, count, to);
  std::fill(to + count, to + Samples::padded(count), std::uint8_t{0});
}

template <class T>
void linear(const IntegerLinearParams& params, T* y, std::span<std::byte> scratch, InstructionSet set) {
  require(params.in <= longest_integer_row, "sums of so many products may overflow");
  const Multiply<T> multiply = multiply_on<T>(set);
  share_outputs<std::uint8_t>(
      params.x, params.samples, params.in, params.out, scratch, copy_padded,
      [&](const Samples& samples, std::int64_t begin, std::int64_t end) { multiply(params, y, samples, begin, end); });
}

}  // namespace

std::size_t linear_integer_scratch_bytes(std::int64_t samples, std::int64_t in) {
  return Samples::bytes(samples, in);
}

std::span<const InstructionSet> linear_integer_sets() {
  static const std::vector<InstructionSet> sets = usable_sets();
  return sets;
}

void linear_integer(const IntegerLinearParams& params, float* y, std::span<std::byte> scratch, InstructionSet set) {
  linear(params, y, scratch, set);
}
void linear_integer(const IntegerLinearParams& params, std::uint8_t* y, std::span<std::byte> scratch,
                    InstructionSet set) {
  linear(params, y, scratch, set);
}

}  // namespace giemsa::kernels::cpu
