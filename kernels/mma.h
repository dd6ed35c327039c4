// Matrix instructions of the tensor cores: the part of the seam (device.h) that GEMM-like kernels need. All 32 lanes of
// the warp take part in each call.
//
// A warp holds a matrix in registers, each with two fp16 or one fp32 (PTX ISA, "Matrix fragments for mma.m16n8k16").
// With g = lane / 4 and t = lane % 4:
//
//   A 16x16, row-major    a[0]: (g, 2t..2t+1)    a[1]: (g+8, 2t..)    a[2]: (g, 2t+8..)    a[3]: (g+8, 2t+8..)
//   B 16x8 (k x n)        b[0]: (2t..2t+1, g)    b[1]: (2t+8.., g)
//   C, D 16x8, fp32       d[0], d[1]: (g, 2t..2t+1)    d[2], d[3]: (g+8, 2t..)
//
// m16n8k8 has the same layout with a[0], a[1] and b[0] only. In memory, A as rows of k and B as rows of k for each n
// are what load_matrices() reads into exactly these fragments; a B stored as rows of n for each k wants the transposed
// form.
#pragma once

#include "kernels/device.h"

#ifndef GIEMSA_SIMT

namespace giemsa::kernels {

/// d += a b, with fp16 factors and fp32 sums.
__device__ __forceinline__ void mma_m16n8k8(float (&d)[4], unsigned a0, unsigned a1, unsigned b0) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a0), "r"(a1), "r"(b0));
}

/// d += a b. Compute capability 7.5 has only the half as deep instruction and issues two.
__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  mma_m16n8k8(d, a[0], a[1], b[0]);
  mma_m16n8k8(d, a[2], a[3], b[1]);
#endif
}

/// Loads n = 1, 2 or 4 matrices of 8x8 fp16 from shared memory. Lanes 8i .. 8i+7 pass the addresses of the eight rows
/// of matrix i, each of 16 bytes, aligned to 16. r[i] receives elements (g, 2t) and (g, 2t+1) of matrix i; all lanes'
/// addresses must be valid, even where n < 4 uses only the first 8n.
template <int n>
__device__ __forceinline__ void load_matrices(unsigned (&r)[n], const Half* row) {
  static_assert(n == 1 || n == 2 || n == 4);
  const auto from = static_cast<unsigned>(__cvta_generic_to_shared(row));
  if constexpr (n == 1)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(from) : "memory");
  else if constexpr (n == 2)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(from)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(from)
                 : "memory");
}

/// The same with each matrix transposed: r[i] receives elements (2t, g) and (2t+1, g).
template <int n>
__device__ __forceinline__ void load_matrices_transposed(unsigned (&r)[n], const Half* row) {
  static_assert(n == 1 || n == 2 || n == 4);
  const auto from = static_cast<unsigned>(__cvta_generic_to_shared(row));
  if constexpr (n == 1)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(from) : "memory");
  else if constexpr (n == 2)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(from)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(from)
                 : "memory");
}

}  // namespace giemsa::kernels

#endif
