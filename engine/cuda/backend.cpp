#include "engine/cuda/backend.h"

#include "engine/base/environment.h"
#include "engine/cuda/cascade.h"
#include "engine/cuda/ceilings.h"
#include "engine/cuda/fusion.h"
#include "engine/cuda/session.h"
#include "kernels/cpu/thread_pool.h"

namespace giemsa {

namespace {

/// While it exists, weights are folded and packed on all cores.
struct PackingThreads {
  kernels::cpu::ThreadPool pool{kernels::cpu::usable_cores()};
  kernels::cpu::ExecutorScope scope{&pool};
};

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(const CudaOptions& options) : context_(std::make_shared<cuda::Context>()) {
    check(options.precision == DType::f32 || options.precision == DType::f16, ErrorKind::usage,
          "the GPU computes in fp32 or fp16, not in ", options.precision);
    const cuda::Provider provider = cuda::provider_named(options.provider);
    context_->gpu = cuda::open_gpu(options.index);
    context_->vendor = cuda::open_vendor(provider);
    context_->precision = options.precision;
    if (!options.tuning.empty()) context_->tuning = cuda::Tuning::read(options.tuning, context_->gpu.name);
    loop_control_ =
        options.loops_on_device && context_->gpu.has_loops ? cuda::LoopControl::device : cuda::LoopControl::host;
  }

  std::unique_ptr<Session> compile(const Graph& graph, bool optimized) override {
    cuda::use_gpu(context_->gpu.index);
    const PackingThreads threads;
    return std::make_unique<cuda::CudaSession>(cuda::passes(graph, *context_, optimized), context_);
  }

  std::unique_ptr<Cascade> compile(const CascadeGraphs& graphs) override {
    const bool dumps = !environment("GIEMSA_DUMP").empty();  // of what is between layers
    if (dumps || !graphs.classifies()) return make_session_cascade(*this, graphs);
    cuda::use_gpu(context_->gpu.index);
    const PackingThreads threads;
    CascadeGraphs optimal{cuda::passes(graphs.detect, *context_), {}};
    for (std::size_t i = 0; i < graphs.each.size(); ++i) optimal.each[i] = cuda::passes(graphs.each[i], *context_);
    return cuda::make_cascade(optimal, context_, loop_control_);
  }

  DeviceKind kind() const override { return DeviceKind::gpu; }
  std::string device_name() const override {
    const cuda::DeviceFacts& gpu = context_->gpu;
    return cat("cuda:", gpu.index, " (", gpu.name, ", compute capability ", gpu.major, '.', gpu.minor,
               ", driver for CUDA ", gpu.driver, context_->tuning.empty() ? "" : ", tuned",
               context_->vendor ? ", " + context_->vendor->version() : "", ")");
  }
  DType precision() const override { return context_->precision; }
  std::optional<DeviceCeilings> measure_ceilings() const override {
    cuda::use_gpu(context_->gpu.index);
    return cuda::measure_ceilings(context_->gpu);
  }
  std::size_t weight_bytes() const override { return context_->weights.bytes(); }

 private:
  std::shared_ptr<cuda::Context> context_;
  cuda::LoopControl loop_control_ = cuda::LoopControl::host;
};

}  // namespace

std::shared_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  return std::make_shared<CudaBackend>(options);
}

}  // namespace giemsa
