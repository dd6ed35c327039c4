// Multiversioning: a function marked GIEMSA_SIMD is compiled for AVX-512, AVX2 and the baseline, and the loader picks
// one.
//
// Mark free functions that loop over a row or a block; lambdas and OpenMP bodies inside them are not cloned, so a
// parallel loop calls the marked function and never the other way round. Templates cannot be marked: mark the plain
// function that instantiates a GIEMSA_INLINE template. No code here lets the vector width change the order of a sum,
// and the project forbids contraction, so every version gives the same bits.
#pragma once

// GCC only: the sanitizers' runtimes are not up yet when the loader runs the resolvers.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define GIEMSA_SIMD __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define GIEMSA_SIMD
#endif

// Where explicit target pragmas can be used.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define GIEMSA_X86
#endif

#define GIEMSA_INLINE inline __attribute__((always_inline))
