#include "engine/cpu/backend.h"

#include <omp.h>

#include "engine/cpu/session.h"
#include "engine/passes/passes.h"

namespace giemsa {

namespace {

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options) : context_(std::make_shared<cpu::Context>()) {
    check(options.threads >= 0, ErrorKind::usage, "threads must not be negative, are ", options.threads);
    check(options.precision == DType::f32 || options.precision == DType::bf16, ErrorKind::usage,
          "the CPU computes in fp32 or bf16, not in ", options.precision);
    check(options.precision == DType::f32 || cpu::has_fast_bf16(), ErrorKind::device,
          "bf16 needs a CPU with AVX512_BF16; this one offers ", cpu::onednn_isa());
    context_->precision = options.precision;
    context_->threads = options.threads > 0 ? options.threads : omp_get_num_procs();
  }

  using Backend::compile;
  std::unique_ptr<Session> compile(const Graph& graph, bool optimized) override {
    omp_set_num_threads(context_->threads);  // kernels are chosen, and scratch is sized, for this many
    return std::make_unique<cpu::CpuSession>(optimized ? optimize(graph) : graph, context_);
  }

  std::string device_name() const override {
    return cat("cpu (oneDNN ", cpu::onednn_version(), ", ", cpu::onednn_isa(), ", ", context_->threads,
               context_->threads == 1 ? " thread)" : " threads)");
  }
  DType precision() const override { return context_->precision; }
  std::size_t weight_bytes() const override { return context_->weights.bytes(); }

 private:
  std::shared_ptr<cpu::Context> context_;
};

}  // namespace

std::shared_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  return std::make_shared<CpuBackend>(options);
}

CpuFacts cpu_facts() {
  return {cpu::onednn_version(), cpu::onednn_isa(), omp_get_num_procs(), cpu::has_fast_bf16()};
}

}  // namespace giemsa
