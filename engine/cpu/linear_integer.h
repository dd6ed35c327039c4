// Fully connected layers on integers:  y[n][o] = act(scale[o] * sum_k x[n][k] * w[o][k] + bias[o]),  x u8, w int8.
//
// At batch 1 each weight is read once, as it lies in the model file, and an instruction multiplies 64 of them: memory
// bounds it. At batch 16 there are 16 such instructions for the same bytes, and they bound it: samples share what is
// read of eight outputs at a time, in stretches that stay in the first-level cache. Sums of integers are exact: every
// CPU, thread count and batch gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/ops/types.h"

namespace giemsa::cpu {

/// `x` {samples, in}, in <= longest_integer_row; `weight` {out, in}; `scale` and `bias` {out}, in steps of y.
struct IntegerLinearArgs {
  std::int64_t samples, in, out;
  const std::uint8_t* x;
  const std::int8_t* weight;
  const float *scale, *bias;
  Activation activation;
};

/// The instructions that they are made of.
enum class IntegerLinearIsa : std::uint8_t { any, avx_vnni, avx512_vnni };

/// Those that this CPU, and this build, can use, best first.
std::span<const IntegerLinearIsa> integer_linear_isas();

/// Scratch for the samples.
std::size_t linear_integer_scratch_bytes(std::int64_t samples, std::int64_t in);

/// `y` {samples, out}; in 8 bits it is rounded to nearest, halves to even, and saturates.
void linear_integer(const IntegerLinearArgs& args, float* y, std::span<std::byte> scratch,
                    IntegerLinearIsa isa = integer_linear_isas().front());
void linear_integer(const IntegerLinearArgs& args, std::uint8_t* y, std::span<std::byte> scratch,
                    IntegerLinearIsa isa = integer_linear_isas().front());

}  // namespace giemsa::cpu
