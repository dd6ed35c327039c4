#include "engine/device.h"

#include <charconv>

#include "engine/cpu/backend.h"
#ifdef GIEMSA_HAS_CUDA
#include "engine/cuda/backend.h"
#include "engine/cuda/runtime.h"
#include "engine/cuda/tuner.h"
#endif

namespace giemsa {

namespace {

std::shared_ptr<Backend> open_cpu(const DeviceOptions& options) {
  const bool bf16 = options.precision == "bf16", int8 = options.precision == "int8";
  check(bf16 || int8 || options.precision == "fp32" || options.precision == "auto", ErrorKind::usage,
        "the CPU computes in fp32, bf16 or int8, not in '", options.precision, "'");
  check(options.tuning.empty(), ErrorKind::usage, options.tuning, ": a tuning file is for GPUs, and the CPU is used");
  check(options.provider == "own", ErrorKind::usage, "provider ", options.provider,
        " computes on GPUs, and the CPU is used");
  return make_cpu_backend({options.threads,
                           bf16   ? DType::bf16
                           : int8 ? DType::i8
                                  : DType::f32,
                           options.executor, options.memory});
}

#ifdef GIEMSA_HAS_CUDA

std::shared_ptr<Backend> open_cuda(const DeviceOptions& options, int index) {
  const bool fp32 = options.precision == "fp32";
  check(fp32 || options.precision == "fp16" || options.precision == "auto", ErrorKind::usage,
        "the GPU computes in fp32 or fp16, not in '", options.precision, "'");
  CudaOptions cuda;
  cuda.index = index;
  cuda.precision = fp32 ? DType::f32 : DType::f16;
  cuda.tuning = options.tuning;
  cuda.provider = options.provider;
  return make_cuda_backend(cuda);
}

#else

std::shared_ptr<Backend> open_cuda(const DeviceOptions&, int) {
  fail(ErrorKind::device, why_no_cuda());
}

#endif

/// "cuda:N" -> N; "cuda" -> 0.
int index_in(const std::string& device) {
  if (device == "cuda") return 0;
  check(device.starts_with("cuda:"), ErrorKind::usage, "no GPU: '", device, "'");
  const char *begin = device.data() + std::string_view("cuda:").size(), *end = device.data() + device.size();
  int index = 0;
  const auto [stop, error] = std::from_chars(begin, end, index);
  check(error == std::errc() && stop == end && index >= 0, ErrorKind::usage,
        "device must be auto, cpu or cuda[:N], is '", device, "'");
  return index;
}

}  // namespace

namespace {

#ifdef GIEMSA_HAS_CUDA
/// The one that "auto" takes. Later ones are not touched: each would cost the time and memory of a context.
int first_usable_gpu() {
  std::string reason = "the NVIDIA driver finds no GPU";
  const int count = cuda::device_count();
  for (int i = 0; i < count; ++i) {
    try {
      return cuda::open_gpu(i).index;
    } catch (const Error& error) {
      reason = error.what();
    }
  }
  fail(ErrorKind::device, reason);
}
#else
int first_usable_gpu() {
  fail(ErrorKind::device, "this build of giemsa has no CUDA support");
}
#endif

}  // namespace

#ifdef GIEMSA_HAS_CUDA
std::vector<Gpu> usable_gpus() {
  std::vector<Gpu> usable;
  std::string reason = "the NVIDIA driver finds no GPU";
  const int count = cuda::device_count();
  for (int i = 0; i < count; ++i) {
    try {
      const cuda::DeviceFacts facts = cuda::open_gpu(i);
      usable.push_back({i, facts.name, cat(facts.major, '.', facts.minor), facts.sm_count,
                        static_cast<double>(facts.memory_bytes) / (1 << 30), facts.driver});
    } catch (const Error& error) {
      reason = error.what();
    }
  }
  check(!usable.empty(), ErrorKind::device, reason);
  return usable;
}

std::string tune_gpu(const std::string& device, std::span<const Graph> graphs,
                     const std::function<void(const TunedConvolution&)>& measured) {
  const cuda::DeviceFacts gpu = cuda::open_gpu(device == "auto" ? 0 : index_in(device));
  const auto tell = [&](const auto& times, double flops) {
    measured({cuda::describe(times.what), cuda::describe(times.usual), cuda::describe(times.best), times.usual_us,
              times.best_us, flops});
  };
  const cuda::Tuning tuning =
      cuda::tune(graphs, gpu,
                 {[&](const cuda::PlanTimes& times) { tell(times, kernels::cost(times.what, 2).flops); },
                  [&](const cuda::PairTimes& times) { tell(times, kernels::cost(times.what.params).flops); }});
  return tuning.text(gpu.name);
}
#else
std::vector<Gpu> usable_gpus() {
  fail(ErrorKind::device, "this build of giemsa has no CUDA support");
}

std::string tune_gpu(const std::string&, std::span<const Graph>, const std::function<void(const TunedConvolution&)>&) {
  fail(ErrorKind::device, why_no_cuda());
}
#endif

namespace {

#ifdef GIEMSA_HAS_CUDA
DeviceDescription describe_gpu(int index) {
  DeviceDescription gpu{DeviceKind::gpu, cat("cuda:", index), "", {DType::f32, DType::f16}, 0, ""};
  try {
    const cuda::DeviceFacts facts = cuda::open_gpu(index);
    gpu.name = facts.name;
    gpu.memory_bytes = facts.memory_bytes;
  } catch (const Error& error) {
    gpu.unusable = error.what();
  }
  return gpu;
}
#endif

}  // namespace

std::vector<DeviceDescription> describe_devices() {
  const CpuFacts cpu = cpu_facts();
  std::vector<DeviceDescription> devices{{DeviceKind::cpu, "cpu", cpu.model, {DType::f32}, cpu.memory_bytes, ""}};
  if (cpu.fast_bf16) devices.front().precisions.push_back(DType::bf16);
  if (cpu.fast_int8) devices.front().precisions.push_back(DType::i8);
  std::string reason = "this build of giemsa has no CUDA support";
#ifdef GIEMSA_HAS_CUDA
  try {
    for (int i = 0; i < cuda::device_count(); ++i) devices.push_back(describe_gpu(i));
    reason = "the NVIDIA driver finds no GPU";
  } catch (const Error& error) {
    reason = error.what();
  }
#endif
  if (devices.size() == 1) devices.push_back({DeviceKind::gpu, "cuda", "", {}, 0, reason});
  return devices;
}

KeptGpu::KeptGpu() {
#ifdef GIEMSA_HAS_CUDA
  gpu_ = cuda::current_gpu();
#endif
}

KeptGpu::~KeptGpu() {
#ifdef GIEMSA_HAS_CUDA
  if (gpu_ >= 0 && cuda::current_gpu() != gpu_) cuda::return_to_gpu(gpu_);
#endif
}

std::string why_no_cuda() {
  try {
    (void)first_usable_gpu();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

std::shared_ptr<Backend> open_device(const DeviceOptions& options) {
  const std::string& device = options.device;
  if (device == "cuda" || device.starts_with("cuda:")) {
    const int index = index_in(device);
    try {
      return open_cuda(options, index);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::device) throw;
      fail(ErrorKind::device, "device ", device, ": ", error.what());
    }
  }
  if (device == "cpu") return open_cpu(options);
  check(device == "auto", ErrorKind::usage, "device must be auto, cpu or cuda[:N], is '", device, "'");
  // What only the CPU computes in asks for the CPU.
  const bool gpu = options.precision != "bf16" && options.precision != "int8" && why_no_cuda().empty();
  return gpu ? open_cuda(options, first_usable_gpu()) : open_cpu(options);
}

}  // namespace giemsa
