#include "kernels/cpu/matmul/linear_dot.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/matmul/linear_samples.h"
#include "kernels/cpu/prefetch.h"
#include "kernels/cpu/require.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
#endif

namespace giemsa::kernels::cpu {

namespace {

using Bits = std::uint16_t;
constexpr std::int64_t lanes = 16;  // partial sums of an output

}  // namespace

}  // namespace giemsa::kernels::cpu

#define GIEMSA_SIMD_LOOPS "kernels/cpu/matmul/linear_dot.simd.h"
#define GIEMSA_SIMD_SETS GIEMSA_AVX512_BF16
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

namespace {

template <class W>
void linear_dot(const LinearParams& params, const W* weight, std::span<std::byte> scratch) {
  require(has_linear_dot(), "linear_dot needs a CPU with AVX512_BF16");
#ifdef GIEMSA_X86
  share_outputs<Bits>(params.x, params.samples, params.in, params.out, scratch, avx512_bf16::round_padded,
                      [&](const PackedSamples<Bits>& samples, std::int64_t begin, std::int64_t end) {
                        avx512_bf16::multiply(params, weight, samples, begin, end);
                      });
#else
  static_cast<void>(params), static_cast<void>(weight), static_cast<void>(scratch);
#endif
}

}  // namespace

bool has_linear_dot() {
  return has(InstructionSet::avx512_bf16);
}

std::size_t linear_dot_scratch_bytes(std::int64_t samples, std::int64_t in) {
  return PackedSamples<Bits>::bytes(samples, in);
}

void linear_dot_int8(const LinearParams& params, const std::int8_t* weight, std::span<std::byte> scratch) {
  linear_dot(params, weight, scratch);
}
void linear_dot_f32(const LinearParams& params, const float* weight, std::span<std::byte> scratch) {
  linear_dot(params, weight, scratch);
}
void linear_dot_bf16(const LinearParams& params, const std::uint16_t* weight, std::span<std::byte> scratch) {
  linear_dot(params, weight, scratch);
}

}  // namespace giemsa::kernels::cpu
