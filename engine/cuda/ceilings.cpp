#include "engine/cuda/ceilings.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "engine/cuda/naming.h"
#include "kernels/ceilings.h"

namespace giemsa::cuda {

namespace {

/// Memory of random numbers: zeros would take less power to move.
DeviceMemory filled(std::size_t bytes) {
  DeviceMemory memory = device_memory(bytes);
  std::mt19937 random(1);
  std::vector<std::uint32_t> part(std::min(bytes, std::size_t{1} << 20) / sizeof(std::uint32_t));
  std::ranges::generate(part, random);
  const OwnedStream stream;
  for (std::size_t at = 0; at < bytes; at += part.size() * sizeof(std::uint32_t))
    copy(static_cast<std::byte*>(memory.get()) + at, part.data(),
         std::min(bytes - at, part.size() * sizeof(std::uint32_t)), stream.get());
  synchronise(stream.get());
  return memory;
}

/// Seconds of the fastest of `samples` runs after one that does not count, by events.
double fastest(int samples, const std::function<void(Stream)>& work) {
  const OwnedStream stream;
  Event start, end;
  double ms = std::numeric_limits<double>::infinity();
  for (int i = 0; i <= samples; ++i) {
    start.record(stream.get());
    work(stream.get());
    end.record(stream.get());
    synchronise(stream.get());
    if (i > 0) ms = std::min(ms, end.ms_since(start));
  }
  return ms / 1000;
}

}  // namespace

DeviceCeilings measure_ceilings(const DeviceFacts& gpu, const CeilingsEffort& effort) {
  DeviceCeilings most;
  naming("the GPU's ceilings", [&] {
    // 8 and more blocks of each multiprocessor, so that none of them idles for long at the end.
    const kernels::ChainParams chains{.blocks = 16 * gpu.sm_count, .steps = effort.steps};
    const DeviceMemory sums = device_memory(sizeof(float) * chains.outputs());
    auto* const out = static_cast<float*>(sums.get());
    most.fp32_flops = kernels::multiply_add_flops(chains) /
                      fastest(effort.samples, [&](Stream s) { kernels::multiply_add_chains(out, chains, s); });
    most.fp16_flops = kernels::multiply_matrix_flops(chains) /
                      fastest(effort.samples, [&](Stream s) { kernels::multiply_matrix_chains(out, chains, s); });

    const std::size_t bytes = effort.copied_bytes;
    const DeviceMemory from = filled(bytes), to = device_memory(bytes);
    const double by_kernel = fastest(
        effort.samples, [&](Stream s) { kernels::copy_words(to.get(), from.get(), bytes, 8 * gpu.sm_count, s); });
    const double by_driver = fastest(effort.samples, [&](Stream s) { copy(to.get(), from.get(), bytes, s); });
    most.copy_bytes = 2 * static_cast<double>(bytes) / std::min(by_kernel, by_driver);
  });
  return most;
}

}  // namespace giemsa::cuda
