#include "bench/ceilings.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

namespace giemsa {

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

/// Seconds of the fastest repetition of `work` on all threads at once.
template <class Work>
double fastest(Work&& work) {
  double best = 1e9;
  for (int i = 0; i < repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
#pragma omp parallel
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

/// FLOP/s of `loop`, one of whose instructions does `flops`.
double flop_rate(void (*loop)(), double flops) {
  return omp_get_max_threads() * static_cast<double>(turns) * chains * flops / fastest(loop);
}

double copy_rate() {
  constexpr std::size_t share = std::size_t{64} << 20;  // of each thread
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  const std::vector<char> from(threads * share, 1);
  std::vector<char> to(threads * share, 2);
  const double seconds = fastest([&] {
    const std::size_t begin = static_cast<std::size_t>(omp_get_thread_num()) * share;
    std::memcpy(&to[begin], &from[begin], share);
  });
  return 2 * static_cast<double>(threads * share) / seconds;
}

}  // namespace

const Ceilings& ceilings() {
  static const Ceilings measured = [] {
    const bool wide = __builtin_cpu_supports("avx512f");
    Ceilings c;
    c.fp32_flops = wide ? flop_rate(multiply_add_512, 32) : flop_rate(multiply_add_256, 16);
    if (__builtin_cpu_supports("avx512bf16")) c.bf16_flops = flop_rate(dot_bf16_512, 64);
    c.copy_bytes = copy_rate();
    return c;
  }();
  return measured;
}

}  // namespace giemsa
