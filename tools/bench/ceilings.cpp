#include "tools/bench/ceilings.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

namespace giemsa::bench {

namespace {

constexpr int repetitions = 40;
constexpr long turns = 1'000'000;
constexpr int chains = 12;  // independent sums, one a register: enough to hide a latency of 4 in each of 2 units

// Loops of nothing but arithmetic, in assembly so that no compiler has a say. All registers hold zero and keep it,
// which costs what any number costs.
#define GIEMSA_CHAINS(instruction, width)                                                                   \
  asm volatile("vzeroall" ::: "memory");                                                                    \
  for (long turn = 0; turn < turns; ++turn)                                                                 \
  asm volatile(".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n" instruction " %%" width "\\r, %%" width "\\r, %%" width \
               "\\r\n.endr" ::                                                                              \
                   : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11")

void multiply_add_256() {
  GIEMSA_CHAINS("vfmadd231ps", "ymm");
}

void multiply_add_512() {
  GIEMSA_CHAINS("vfmadd231ps", "zmm");
}

void dot_bf16_512() {
  GIEMSA_CHAINS("vdpbf16ps", "zmm");
}

void dot_int8_512() {
  GIEMSA_CHAINS("vpdpbusd", "zmm");
}

/// Seconds of the fastest repetition of `work(0)`, `work(1)`, ... on a thread each, all at once.
template <class Work>
double fastest(int threads, Work&& work) {
  double best = 1e9;
  std::barrier all(threads);
  const auto repeat = [&](int thread) {
    for (int i = 0; i < repetitions; ++i) {
      all.arrive_and_wait();
      const auto start = std::chrono::steady_clock::now();
      work(thread);
      all.arrive_and_wait();
      if (thread == 0)
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  };
  std::vector<std::jthread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(repeat, thread);
  repeat(0);
  others.clear();
  return best;
}

/// FLOP/s of `loop`, one of whose instructions does `flops`.
double flop_rate(int threads, void (*loop)(), double flops) {
  return threads * static_cast<double>(turns) * chains * flops / fastest(threads, [&](int) { loop(); });
}

double copy_rate(int threads) {
  const auto count = static_cast<std::size_t>(threads);
  const std::size_t share = std::min(std::size_t{64} << 20, (std::size_t{1} << 30) / count);  // of each thread
  const std::vector<char> from(count * share, 1);
  std::vector<char> to(count * share, 2);
  const double seconds = fastest(threads, [&](int thread) {
    const std::size_t begin = static_cast<std::size_t>(thread) * share;
    std::memcpy(&to[begin], &from[begin], share);
  });
  return 2 * static_cast<double>(count * share) / seconds;
}

}  // namespace

Ceilings measure_ceilings(int threads) {
  Ceilings c;
  if (__builtin_cpu_supports("avx512f"))
    c.fp32_flops = flop_rate(threads, multiply_add_512, 32);
  else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    c.fp32_flops = flop_rate(threads, multiply_add_256, 16);
  if (__builtin_cpu_supports("avx512bf16")) c.bf16_flops = flop_rate(threads, dot_bf16_512, 64);
  if (__builtin_cpu_supports("avx512vnni")) c.int8_ops = flop_rate(threads, dot_int8_512, 128);
  c.copy_bytes = copy_rate(threads);
  return c;
}

}  // namespace giemsa::bench
