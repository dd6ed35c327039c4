// Fully connected layers on integers:  y[n][o] = act(scale[o] * sum_k x[n][k] * w[o][k] + bias[o]),  x u8, w int8.
//
// At batch 1 each weight is read once, as it lies in the model file, and an instruction multiplies 64 of them: memory
// bounds it. At batch 16 there are 16 such instructions for the same bytes, and they bound it: the samples of a block
// share the weights of eight outputs at a time, in stretches that stay in the first-level cache. Sums of integers are
// exact: every CPU, thread count and batch gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/simd.h"

namespace giemsa::kernels::cpu {

/// The longest row: 2^16 products of 255 and -128 stay above -2^31.
inline constexpr std::int64_t longest_integer_row = std::int64_t{1} << 16;

/// `x` {samples, in}, in <= longest_integer_row; `weight` {out, in}; `scale` and `bias` {out}, in units of y.
struct IntegerLinearParams {
  std::int64_t samples, in, out;
  const std::uint8_t* x;
  const std::int8_t* weight;
  const float *scale, *bias;
  bool relu;
};

/// The instruction sets that this CPU has of those that linear_integer() is compiled for, best first.
std::span<const InstructionSet> linear_integer_sets();

/// Scratch for the samples.
std::size_t linear_integer_scratch_bytes(std::int64_t samples, std::int64_t in);

/// `y` {samples, out}; in 8 bits it is rounded to nearest, halves to even, and saturates.
void linear_integer(const IntegerLinearParams& params, float* y, std::span<std::byte> scratch,
                    InstructionSet set = linear_integer_sets().front());
void linear_integer(const IntegerLinearParams& params, std::uint8_t* y, std::span<std::byte> scratch,
                    InstructionSet set = linear_integer_sets().front());

}  // namespace giemsa::kernels::cpu
