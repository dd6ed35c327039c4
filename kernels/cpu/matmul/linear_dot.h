// Fully connected layers as linear.h computes them, but on the dot products of AVX512_BF16: operands are rounded to
// bfloat16 (int8 weights are exact in it), products are exact, sums are fp32.
//
// An instruction does 64 FLOPs where linear.h's does 32, from half the bytes. At batch 16 it is bound by these, by
// decoding weights and by keeping sums; at batch 1 by the memory that the weights come from.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/cpu/matmul/linear.h"

namespace giemsa::kernels::cpu {

/// Whether this CPU, and this build, can.
bool has_linear_dot();

/// Scratch for the rounded inputs.
std::size_t linear_dot_scratch_bytes(std::int64_t samples, std::int64_t in);

/// `weight` {out, in}: int8, fp32, or bfloat16 (its bits). Only where has_linear_dot().
void linear_dot_int8(const LinearParams& params, const std::int8_t* weight, std::span<std::byte> scratch);
void linear_dot_f32(const LinearParams& params, const float* weight, std::span<std::byte> scratch);
void linear_dot_bf16(const LinearParams& params, const std::uint16_t* weight, std::span<std::byte> scratch);

}  // namespace giemsa::kernels::cpu
