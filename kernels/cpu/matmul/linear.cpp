#include "kernels/cpu/matmul/linear.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/elements.h"
#include "kernels/cpu/matmul/linear_samples.h"
#include "kernels/cpu/prefetch.h"

#ifdef GIEMSA_X86
#include <immintrin.h>
#endif

namespace giemsa::kernels::cpu {

namespace {

constexpr std::int64_t lanes = 16;  // partial sums of an output, whatever the vector width

#ifdef GIEMSA_X86
inline __m128i load_128(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
#endif

}  // namespace

}  // namespace giemsa::kernels::cpu

#define GIEMSA_SIMD_LOOPS "kernels/cpu/matmul/linear.simd.h"
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

namespace {

void copy_padded(const float* from, std::int64_t count, float* to) {
  std::copy_n(from, count, to);
  std::fill(to + count, to + PackedSamples<float>::padded(count), 0.0f);
}

template <class W>
void linear(const LinearParams& params, const W* weight, std::span<std::byte> scratch) {
  const auto multiply = GIEMSA_SIMD_BEST(multiply<W>);
  share_outputs<float>(params.x, params.samples, params.in, params.out, scratch, copy_padded,
                       [&](const PackedSamples<float>& samples, std::int64_t begin, std::int64_t end) {
                         multiply(params, weight, samples, begin, end);
                       });
}

}  // namespace

std::size_t linear_scratch_bytes(std::int64_t samples, std::int64_t in) {
  return PackedSamples<float>::bytes(samples, in);
}

void linear_int8(const LinearParams& params, const std::int8_t* weight, std::span<std::byte> scratch) {
  linear(params, weight, scratch);
}
void linear_f32(const LinearParams& params, const float* weight, std::span<std::byte> scratch) {
  linear(params, weight, scratch);
}
void linear_bf16(const LinearParams& params, const std::uint16_t* weight, std::span<std::byte> scratch) {
  linear(params, weight, scratch);
}

}  // namespace giemsa::kernels::cpu
