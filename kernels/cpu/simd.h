// One mechanism for instruction sets: loops are compiled for each set that pays, and the best one that this CPU has is
// picked at run time.
//
// The loops of layers/pool.cpp, say, stand in layers/pool.simd.h, a header without include guard. pool.cpp compiles it
// for each set, every time in a namespace of that set's name, and takes the address of the best version:
//
//   #define GIEMSA_SIMD_LOOPS "kernels/cpu/layers/pool.simd.h"
//   #include "kernels/cpu/simd_sets.h"                           // baseline::, avx2::, avx512::
//   ...
//   const auto row_kernel = GIEMSA_SIMD_BEST(max_pool_row<float>);
//
// The compilers are told the set by a pragma that gives each function the attribute `target`, not by options such as
// -mavx2: what a file compiled with these emits of the standard library's inline functions could become the whole
// program's version of them, and crash on an older CPU. Here such a function is compiled for the baseline, and inlined
// where it matters. GCC's target_clones is no alternative: it takes no templates, lowers explicit vectors before it
// makes the clones, and other compilers lack it.
//
// No set changes a result: sums have an order that does not depend on the width of vectors, and the project forbids
// contraction, so that a multiply-add is fused where the code says so and nowhere else.
#pragma once

#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__)
#define GIEMSA_X86
#endif

// Instruction sets as bits, for GIEMSA_SIMD_SETS. Each AVX-512 set includes those before it, and AVX2 with FMA.
#define GIEMSA_BASELINE 1      // what the compiler assumes: SSE2 on x86-64
#define GIEMSA_AVX2 2          // AVX2 and FMA
#define GIEMSA_AVX_VNNI 4      // AVX2, FMA and 256-bit dot products of 8-bit integers
#define GIEMSA_AVX512 8        // AVX-512 F, BW, VL and DQ: all server CPUs since Skylake
#define GIEMSA_AVX512_VNNI 16  // and 512-bit dot products of 8-bit integers
#define GIEMSA_AVX512_BF16 32  // and of bfloat16

#define GIEMSA_INLINE inline __attribute__((always_inline))

namespace giemsa::kernels::cpu {

enum class InstructionSet : std::uint8_t {
  baseline = GIEMSA_BASELINE,
  avx2 = GIEMSA_AVX2,
  avx_vnni = GIEMSA_AVX_VNNI,
  avx512 = GIEMSA_AVX512,
  avx512_vnni = GIEMSA_AVX512_VNNI,
  avx512_bf16 = GIEMSA_AVX512_BF16,
};

/// Whether this CPU, and this build, have the set. The CPU is asked once.
bool has(InstructionSet set);

/// The last of three versions of a function that this CPU can run.
template <class Function>
Function best_of(Function baseline, Function avx2, Function avx512) {
  if (has(InstructionSet::avx512)) return avx512;
  return has(InstructionSet::avx2) ? avx2 : baseline;
}

}  // namespace giemsa::kernels::cpu

/// A pointer to the best version of a function that was compiled for the three sets of simd_sets.h.
#ifdef GIEMSA_X86
#define GIEMSA_SIMD_BEST(...) \
  ::giemsa::kernels::cpu::best_of(&baseline::__VA_ARGS__, &avx2::__VA_ARGS__, &avx512::__VA_ARGS__)
#else
#define GIEMSA_SIMD_BEST(...) (&baseline::__VA_ARGS__)
#endif
