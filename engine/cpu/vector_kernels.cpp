#include "engine/cpu/vector_kernels.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "engine/base/simd.h"

namespace giemsa::cpu {

namespace {

constexpr std::int64_t vector_lanes = 16;

// The compiler's own vector type: one AVX-512 register, two of AVX2, four of SSE. It is lowered for the target of the
// function it stands in before GIEMSA_SIMD's clones are made, hence one inclusion per target instead of clones.
using Float16 = float __attribute__((vector_size(64)));
using Int16 = std::int32_t __attribute__((vector_size(64)));
using UInt16 = std::uint32_t __attribute__((vector_size(64)));
using Half16 = std::uint16_t __attribute__((vector_size(32)));
using Byte16 = std::uint8_t __attribute__((vector_size(16)));
using SignedByte16 = std::int8_t __attribute__((vector_size(16)));
using SignedHalf16 = std::int16_t __attribute__((vector_size(32)));
template <class T, int Size>
using Bytes __attribute__((vector_size(Size))) = T;

struct Range {
  std::int64_t begin, end;
};

/// Taps k for which 0 <= origin + k * dilation < extent.
GIEMSA_INLINE Range taps_inside(std::int64_t origin, std::int64_t dilation, std::int64_t kernel, std::int64_t extent) {
  const std::int64_t begin = origin >= 0 ? 0 : (-origin + dilation - 1) / dilation;
  const std::int64_t end = origin >= extent ? 0 : std::min(kernel, (extent - 1 - origin) / dilation + 1);
  return {begin, std::max(begin, end)};
}

/// The taps of one output pixel that lie inside the input.
struct Window {
  std::int64_t image_row, y, x;  ///< first row of the image among all rows; where tap (0,0) reads
  Range rows, columns;
};

namespace baseline {
#include "engine/cpu/vector_kernels.inc"
}

#ifdef GIEMSA_X86
#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
#include "engine/cpu/vector_kernels.inc"
}
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512")
namespace avx512 {
#include "engine/cpu/vector_kernels.inc"
}
#pragma GCC pop_options
#endif

VectorKernels choose() {
#ifdef GIEMSA_X86
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    return avx512::kernels;
  if (__builtin_cpu_supports("avx2")) return avx2::kernels;
#endif
  return baseline::kernels;
}

}  // namespace

const VectorKernels& vector_kernels() {
  static const VectorKernels chosen = choose();
  return chosen;
}

}  // namespace giemsa::cpu
