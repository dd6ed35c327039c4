// Fully connected layers on few samples:  y[n][o] = act(scale[o] * sum_k x[n][k] * w[o][k] + bias[o]).
//
// At batch 1 it reads each weight once for two FLOPs: bound by memory, so int8 weights are four times as fast as fp32.
// Weights become fp32 in registers, or, for more than four samples, once for sixteen of them in a stretch that stays in
// the first-level cache; then fused multiply-adds bound it. A sum is kept in 16 partial sums (lane k mod 16) that are
// added pairwise at the end: the same order for every vector width, thread count and batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace giemsa::kernels::cpu {

/// `x` {samples, in}, `scale` and `bias` {out} or null (1 and 0), `y` {samples, out}.
struct LinearParams {
  std::int64_t samples, in, out;
  const float *x, *scale, *bias;
  bool relu;
  float* y;
};

/// The output `o` of sample `n`, from its sum of products.
inline void finish(const LinearParams& params, std::int64_t o, std::int64_t n, float sum) {
  if (params.scale) sum *= params.scale[o];
  if (params.bias) sum += params.bias[o];
  if (params.relu && sum < 0.0f) sum = 0.0f;
  params.y[n * params.out + o] = sum;
}

/// Scratch for the inputs.
std::size_t linear_scratch_bytes(std::int64_t samples, std::int64_t in);

/// `weight` {out, in}: int8, fp32, or bfloat16 (its bits).
void linear_int8(const LinearParams& params, const std::int8_t* weight, std::span<std::byte> scratch);
void linear_f32(const LinearParams& params, const float* weight, std::span<std::byte> scratch);
void linear_bf16(const LinearParams& params, const std::uint16_t* weight, std::span<std::byte> scratch);

}  // namespace giemsa::kernels::cpu
