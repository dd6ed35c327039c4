// What the headers of our kernels speak of: streams, half-precision bits, small vectors, launches, cost. Free of CUDA's
// headers, so that any C++ file can include a kernel's header. Functions here are constexpr, hence callable on the
// device.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

struct CUstream_st;

namespace giemsa::kernels {

/// cudaStream_t.
using Stream = CUstream_st*;

/// The bits of an IEEE 754 binary16 and of a bfloat16. For storage: arithmetic happens in fp32 (to_float, to_half), on
/// pairs (fma of Half2) or in matrix instructions; see device.h and mma.h.
struct Half {
  std::uint16_t bits;
};
struct Bfloat16 {
  std::uint16_t bits;
};

/// `n` neighbours that one instruction loads or stores: 2, 4, 8 or 16 bytes, aligned to their size.
template <class T, int n>
struct alignas(sizeof(T) * n) Vec {
  T values[n];

  constexpr T& operator[](int i) { return values[i]; }
  constexpr const T& operator[](int i) const { return values[i]; }
};

using Half2 = Vec<Half, 2>;

struct Dim3 {
  int x = 1, y = 1, z = 1;
};

/// How a kernel is started: `launch(kernel, {.grid = {blocks}, .block = {256}, .stream = stream}, arguments...)`.
struct Launch {
  Dim3 grid = {}, block = {};
  std::size_t shared_bytes = 0;  ///< dynamic shared memory of a block
  /// Programmatic dependent launch: the kernel may start while the one before it in the stream still runs. It calls
  /// wait_for_previous_kernel() before it touches anything which that one writes or reads.
  bool overlap_previous = false;
  Stream stream = nullptr;
};

/// What an operation has to move and compute at least, whatever computes it.
struct Cost {
  double bytes = 0, flops = 0;
};

template <std::integral T>
constexpr T ceil_div(T a, T b) {
  return (a + b - 1) / b;
}

// For floating point there are fminf and fmaxf, whose treatment of NaN is the hardware's.
template <std::integral T>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}
template <std::integral T>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}

}  // namespace giemsa::kernels
