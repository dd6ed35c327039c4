#include "kernels/cpu/simd.h"

#ifdef GIEMSA_X86
#include <cpuid.h>
#endif

namespace giemsa::kernels::cpu {

namespace {

#ifdef GIEMSA_X86

/// AVX_VNNI, which clang 14 cannot be asked for: CPUID leaf 7, subleaf 1, EAX bit 4.
bool has_avx_vnni_bit() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & 1u << 4) != 0;
}

/// The bits of all sets. __builtin_cpu_supports() also asks whether the operating system saves the registers.
unsigned supported_sets() {
  unsigned sets = GIEMSA_BASELINE;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return sets;
  sets |= GIEMSA_AVX2;
  if (has_avx_vnni_bit()) sets |= GIEMSA_AVX_VNNI;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (!avx512) return sets;
  sets |= GIEMSA_AVX512;
  if (!__builtin_cpu_supports("avx512vnni")) return sets;
  sets |= GIEMSA_AVX512_VNNI;
  if (__builtin_cpu_supports("avx512bf16")) sets |= GIEMSA_AVX512_BF16;
  return sets;
}

#else

unsigned supported_sets() {
  return GIEMSA_BASELINE;
}

#endif

}  // namespace

bool has(InstructionSet set) {
  static const unsigned sets = supported_sets();
  return (sets & static_cast<unsigned>(set)) != 0;
}

}  // namespace giemsa::kernels::cpu
