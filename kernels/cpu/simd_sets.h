// Compiles the header GIEMSA_SIMD_LOOPS once per instruction set in GIEMSA_SIMD_SETS, each time in a namespace of the
// set's name within an unnamed one; see simd.h. The loops find there
//   vector_bytes      the width of the set's registers
//   GIEMSA_SIMD_SET   the set, for what intrinsics make differ: #if GIEMSA_SIMD_SET == GIEMSA_AVX2
// To be included once, after all other headers and outside of namespaces.
#include "kernels/cpu/simd.h"

#ifndef GIEMSA_SIMD_SETS
#define GIEMSA_SIMD_SETS (GIEMSA_BASELINE | GIEMSA_AVX2 | GIEMSA_AVX512)
#endif

#define GIEMSA_PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define GIEMSA_BEGIN_SET(features) \
  GIEMSA_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define GIEMSA_BEGIN_512_SET GIEMSA_BEGIN_SET
#define GIEMSA_END_SET GIEMSA_PRAGMA(clang attribute pop)
#else
#define GIEMSA_BEGIN_SET(features) GIEMSA_PRAGMA(GCC push_options) GIEMSA_PRAGMA(GCC target(features))
// GCC would use half of each register where it vectorises by itself.
#define GIEMSA_BEGIN_512_SET(features) \
  GIEMSA_PRAGMA(GCC push_options) GIEMSA_PRAGMA(GCC target(features, "prefer-vector-width=512"))
#define GIEMSA_END_SET GIEMSA_PRAGMA(GCC pop_options)
// GCC 12's own AVX-512 header sets a variable from itself to say "undefined" (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#if GIEMSA_SIMD_SETS & GIEMSA_BASELINE
#define GIEMSA_SIMD_SET GIEMSA_BASELINE
namespace giemsa::kernels::cpu {
namespace {
namespace baseline {
constexpr int vector_bytes = 16;
#include GIEMSA_SIMD_LOOPS
}  // namespace baseline
}  // namespace
}  // namespace giemsa::kernels::cpu
#undef GIEMSA_SIMD_SET
#endif

#ifdef GIEMSA_X86

#if GIEMSA_SIMD_SETS & GIEMSA_AVX2
#define GIEMSA_SIMD_SET GIEMSA_AVX2
GIEMSA_BEGIN_SET("avx2,fma")
namespace giemsa::kernels::cpu {
namespace {
namespace avx2 {
constexpr int vector_bytes = 32;
#include GIEMSA_SIMD_LOOPS
}  // namespace avx2
}  // namespace
}  // namespace giemsa::kernels::cpu
GIEMSA_END_SET
#undef GIEMSA_SIMD_SET
#endif

#if GIEMSA_SIMD_SETS & GIEMSA_AVX_VNNI
#define GIEMSA_SIMD_SET GIEMSA_AVX_VNNI
GIEMSA_BEGIN_SET("avx2,fma,avxvnni")
namespace giemsa::kernels::cpu {
namespace {
namespace avx_vnni {
constexpr int vector_bytes = 32;
#include GIEMSA_SIMD_LOOPS
}  // namespace avx_vnni
}  // namespace
}  // namespace giemsa::kernels::cpu
GIEMSA_END_SET
#undef GIEMSA_SIMD_SET
#endif

#if GIEMSA_SIMD_SETS & GIEMSA_AVX512
#define GIEMSA_SIMD_SET GIEMSA_AVX512
GIEMSA_BEGIN_512_SET("avx512f,avx512bw,avx512vl,avx512dq,fma")
namespace giemsa::kernels::cpu {
namespace {
namespace avx512 {
constexpr int vector_bytes = 64;
#include GIEMSA_SIMD_LOOPS
}  // namespace avx512
}  // namespace
}  // namespace giemsa::kernels::cpu
GIEMSA_END_SET
#undef GIEMSA_SIMD_SET
#endif

#if GIEMSA_SIMD_SETS & GIEMSA_AVX512_VNNI
#define GIEMSA_SIMD_SET GIEMSA_AVX512_VNNI
GIEMSA_BEGIN_512_SET("avx512f,avx512bw,avx512vl,avx512dq,fma,avx512vnni")
namespace giemsa::kernels::cpu {
namespace {
namespace avx512_vnni {
constexpr int vector_bytes = 64;
#include GIEMSA_SIMD_LOOPS
}  // namespace avx512_vnni
}  // namespace
}  // namespace giemsa::kernels::cpu
GIEMSA_END_SET
#undef GIEMSA_SIMD_SET
#endif

#if GIEMSA_SIMD_SETS & GIEMSA_AVX512_BF16
#define GIEMSA_SIMD_SET GIEMSA_AVX512_BF16
GIEMSA_BEGIN_512_SET("avx512f,avx512bw,avx512vl,avx512dq,fma,avx512vnni,avx512bf16")
namespace giemsa::kernels::cpu {
namespace {
namespace avx512_bf16 {
constexpr int vector_bytes = 64;
#include GIEMSA_SIMD_LOOPS
}  // namespace avx512_bf16
}  // namespace
}  // namespace giemsa::kernels::cpu
GIEMSA_END_SET
#undef GIEMSA_SIMD_SET
#endif

#endif
