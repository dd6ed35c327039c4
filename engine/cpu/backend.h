// The CPU backend: oneDNN's convolutions, our own everything else, on threads of our own or the host's.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/host_memory.h"
#include "engine/run/session.h"
#include "kernels/cpu/executor.h"

namespace giemsa {

struct CpuOptions {
  int threads = 0;  ///< in each loop of a session; 0: one per core that this process may use
  /// fp32; bf16: activations and convolution weights in bf16, sums in fp32; int8: activations of calibrated layers and
  /// convolution weights in 8 bits, sums in 32, the rest in bf16 where the CPU has it, else fp32.
  DType precision = DType::f32;
  std::shared_ptr<kernels::cpu::Executor> executor{};  ///< null: a pool of `threads`, which all sessions share
  std::shared_ptr<HostMemory> memory{};                ///< for activations and packed weights; null: the system's
};

/// Throws Error(device) where the precision is not to be had here, saying why.
std::shared_ptr<Backend> make_cpu_backend(const CpuOptions& options = {});

/// What the CPU offers.
struct CpuFacts {
  std::string onednn_version;      ///< "2.6.3"
  std::string isa;                 ///< the instruction set oneDNN uses: "avx512_core_bf16"
  int cores = 0;                   ///< that this process may use
  bool fast_bf16 = false;          ///< bf16 arithmetic in hardware
  bool fast_int8 = false;          ///< dot products of 8-bit integers in hardware
  std::string model;               ///< "AMD EPYC 9575F 64-Core Processor"; empty where the system does not say
  std::uint64_t memory_bytes = 0;  ///< of the machine
};
CpuFacts cpu_facts();

}  // namespace giemsa
