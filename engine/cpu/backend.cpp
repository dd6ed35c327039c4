#include "engine/cpu/backend.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "engine/cpu/banded_convolution.h"
#include "engine/cpu/session.h"
#include "engine/passes/passes.h"
#include "kernels/cpu/thread_pool.h"

namespace giemsa {

namespace {

/// Throws where int8 would change nothing: a network of convolutions of which no result is calibrated.
void check_calibrated(const Graph& graph) {
  const bool calibrated = std::ranges::any_of(graph.values(), [](const Value& value) { return value.int8_scale > 0; });
  const bool convolves =
      std::ranges::any_of(graph.nodes(), [](const Node& node) { return std::holds_alternative<Conv2d>(node.op); });
  check(calibrated || !convolves, ErrorKind::model,
        "int8 needs a network with the scales of its activations; this one has none");
}

/// What the kernel says of the first processor.
std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("model name")) continue;
    const auto value = line.find(": ");
    if (value != std::string::npos) return line.substr(value + 2);
  }
  return {};
}

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options) : context_(std::make_shared<cpu::Context>(options.memory)) {
    check(options.threads >= 0, ErrorKind::usage, "threads must not be negative, are ", options.threads);
    const DType precision = options.precision;
    check(precision == DType::f32 || precision == DType::bf16 || precision == DType::i8, ErrorKind::usage,
          "the CPU computes in fp32, bf16 or int8, not in ", precision);
    check(precision != DType::bf16 || cpu::has_fast_bf16(), ErrorKind::device,
          "bf16 needs a CPU with AVX512_BF16; this one offers ", cpu::onednn_isa());
    check(precision != DType::i8 || cpu::has_fast_int8(), ErrorKind::device,
          "int8 needs a CPU with AVX512_VNNI or AVX_VNNI; this one offers ", cpu::onednn_isa());
    context_->int8 = precision == DType::i8;
    context_->precision = context_->int8 ? (cpu::has_fast_bf16() ? DType::bf16 : DType::f32) : precision;
    const int threads = options.threads > 0 ? options.threads : kernels::cpu::usable_cores();
    context_->executor =
        options.executor ? options.executor : std::make_shared<kernels::cpu::ThreadPool>(threads, cpu::use_one_thread);
  }

  using Backend::compile;
  std::unique_ptr<Session> compile(const Graph& graph, bool optimized) override {
    if (context_->int8) check_calibrated(graph);
    return std::make_unique<cpu::CpuSession>(optimized ? optimize(graph) : graph, context_);
  }

  DeviceKind kind() const override { return DeviceKind::cpu; }
  std::string device_name() const override {
    const int threads = context_->executor->threads();
    return cat("cpu (oneDNN ", cpu::onednn_version(), ", ", cpu::onednn_isa(), ", ", threads,
               threads == 1 ? " thread)" : " threads)");
  }
  DType precision() const override { return context_->int8 ? DType::i8 : context_->precision; }
  std::size_t weight_bytes() const override { return context_->weights.bytes(); }

 private:
  std::shared_ptr<cpu::Context> context_;
};

}  // namespace

std::shared_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  return std::make_shared<CpuBackend>(options);
}

CpuFacts cpu_facts() {
  return {cpu::onednn_version(),
          cpu::onednn_isa(),
          kernels::cpu::usable_cores(),
          cpu::has_fast_bf16(),
          cpu::has_fast_int8(),
          cpu_model(),
          static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE))};
}

}  // namespace giemsa
