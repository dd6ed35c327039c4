#include "kernels/ceilings.h"

#include "kernels/mma.h"

namespace giemsa::kernels {

namespace {

constexpr int threads = 256;
using Words = Vec<unsigned, 4>;

constexpr int add_chains = 16;

// With 8 warps per block and 2 blocks on a multiprocessor each tensor core has 4 warps of 8 chains: more than the 16 to
// 33 cycles that a product of this size takes to come out.
constexpr int matrix_chains = 8;
constexpr double matrix_flops = 2.0 * 16 * 8 * 16;

/// A thread copies 16 bytes of every grid's width, four loads ahead of their stores.
// PRECOND: in and out are aligned to 16 bytes.
__global__ void copy_words_kernel(unsigned* out, const unsigned* in, std::int64_t words) {
  constexpr int ahead = 4;
  const std::int64_t width = std::int64_t{gridDim.x} * threads;
  for (std::int64_t at = std::int64_t{blockIdx.x} * threads + threadIdx.x; at < words; at += ahead * width) {
    Words taken[ahead];
#pragma unroll
    for (int i = 0; i < ahead; ++i)
      if (at + i * width < words) taken[i] = load<4>(in + 4 * (at + i * width));
#pragma unroll
    for (int i = 0; i < ahead; ++i)
      if (at + i * width < words) store(out + 4 * (at + i * width), taken[i]);
  }
}

/// A thread runs `add_chains` sums that do not depend on each other.
__global__ void multiply_add_chains_kernel(float* out, float factor, int steps) {
  float sums[add_chains];
#pragma unroll
  for (int i = 0; i < add_chains; ++i) sums[i] = static_cast<float>(threadIdx.x + i);
#pragma unroll 8
  for (int step = 0; step < steps; ++step)
#pragma unroll
    for (int i = 0; i < add_chains; ++i) sums[i] = fmaf(sums[i], factor, 1.f);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < add_chains; ++i) sum += sums[i];
  out[blockIdx.x * threads + threadIdx.x] = sum;
}

/// A warp runs `matrix_chains` matrix sums that do not depend on each other. Factors have mixed signs: products of
/// zeros would take less power, and a clock that is limited by power would run faster than with real numbers.
__global__ void multiply_matrix_chains_kernel(float* out, int steps) {
  constexpr unsigned halves = 0x38003800u, signs = 0x80008000u;  // two fp16 of 0.5; of their signs
  const unsigned mixed = threadIdx.x * 2654435761u;
  unsigned a[4], b[2];
#pragma unroll
  for (int i = 0; i < 4; ++i) a[i] = halves | (mixed << i & signs);
#pragma unroll
  for (int i = 0; i < 2; ++i) b[i] = halves | (mixed >> (i + 1) & signs);
  float sums[matrix_chains][4] = {};
#pragma unroll 1
  for (int step = 0; step < steps; ++step)
#pragma unroll
    for (int i = 0; i < matrix_chains; ++i) mma_m16n8k16(sums[i], a, b);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < matrix_chains; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j) sum += sums[i][j];
  out[blockIdx.x * threads + threadIdx.x] = sum;
}

void check(const ChainParams& params) {
  PRECONDITION(params.blocks > 0);
  PRECONDITION(params.steps > 0 && params.steps % 8 == 0);
}

}  // namespace

void copy_words(void* out, const void* in, std::size_t bytes, int blocks, Stream stream) {
  PRECONDITION(blocks > 0);
  PRECONDITION(bytes % sizeof(Words) == 0);
  launch(copy_words_kernel, {.grid = {blocks}, .block = {threads}, .stream = stream}, static_cast<unsigned*>(out),
         static_cast<const unsigned*>(in), static_cast<std::int64_t>(bytes / sizeof(Words)));
}

void multiply_add_chains(float* out, const ChainParams& params, Stream stream) {
  check(params);
  launch(multiply_add_chains_kernel, {.grid = {params.blocks}, .block = {threads}, .stream = stream}, out, 0.5f,
         params.steps);
}

void multiply_matrix_chains(float* out, const ChainParams& params, Stream stream) {
  check(params);
  launch(multiply_matrix_chains_kernel, {.grid = {params.blocks}, .block = {threads}, .stream = stream}, out,
         params.steps);
}

double multiply_add_flops(const ChainParams& params) {
  return 2.0 * add_chains * threads * params.steps * params.blocks;
}

double multiply_matrix_flops(const ChainParams& params) {
  return matrix_flops * matrix_chains * (threads / warp_size) * params.steps * params.blocks;
}

}  // namespace giemsa::kernels
