// From what a person asks for ("auto", "cuda:1", "bf16") to a backend.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/host_memory.h"
#include "engine/run/session.h"
#include "kernels/cpu/executor.h"

namespace giemsa {

struct DeviceOptions {
  std::string device = "auto";  ///< "auto" (a GPU where one can be used, else the CPU), "cpu", "cuda", "cuda:N"
  std::string precision =
      "auto";                    ///< "fp32", "bf16", "int8" (CPU), "fp16" (GPU), "auto": fp32 on the CPU, fp16 on a GPU
  int threads = 0;               ///< of the CPU; 0: one per core
  std::string tuning{};          ///< for GPUs: a file of plans measured by `tune_gpu`; empty: the built-in table
  std::string provider = "own";  ///< for GPUs: of matrix products, "own" kernels, "cudnn" or "cublas"
  std::shared_ptr<kernels::cpu::Executor> executor{};  ///< of the CPU; null: `threads` threads of our own
  std::shared_ptr<HostMemory> memory{};  ///< of activations and packed weights on the CPU; null: the system's
};

/// Throws Error(usage) for words it does not know and precisions the device does not have, Error(device), saying why,
/// where the device cannot be used.
std::shared_ptr<Backend> open_device(const DeviceOptions& options);

/// The calling thread's current GPU, which computing changes, is put back at the end.
class KeptGpu {
 public:
  KeptGpu();
  ~KeptGpu();
  KeptGpu(const KeptGpu&) = delete;
  KeptGpu& operator=(const KeptGpu&) = delete;

 private:
  int gpu_ = -1;
};

/// A GPU that can be used.
struct Gpu {
  int index = 0;
  std::string name, compute_capability;
  int multiprocessors = 0;
  double memory_gib = 0;
  std::string driver;  ///< the version of CUDA that the driver serves
};

/// Throws Error(device), saying why, where there is none.
std::vector<Gpu> usable_gpus();

/// A device of this machine.
struct DeviceDescription {
  DeviceKind kind;
  std::string selector;  ///< what DeviceOptions::device takes: "cpu", "cuda:0"
  std::string name;
  std::vector<DType> precisions;
  std::uint64_t memory_bytes = 0;
  std::string unusable;  ///< why it cannot be used; empty where it can
};

/// The CPU, then the GPUs that the driver shows, usable or not. Where it shows none, one called "cuda" says why.
std::vector<DeviceDescription> describe_devices();

/// A convolution, or a separable one, under the plan that kernels have without a tuning file, and under the best one
/// there is.
struct TunedConvolution {
  std::string convolution;            ///< "conv2d 1x14x14x2048 1x1/1x1 p0x0 d1x1 g1 -> 256"
  std::string usual_plan, best_plan;  ///< "m32n64k64 8", "apart"; equal where nothing is more than 2 % faster
  double usual_us = 0, best_us = 0;   ///< of one run
  double flops = 0;
};

/// Measures, on a GPU in fp16, every plan of every convolution of these graphs, and each depthwise convolution with the
/// pointwise one after it as one kernel and apart; calls `measured` after each. Returns
/// the text of a tuning file. Throws Error(usage) where `device` is no GPU's name or "auto", Error(device), saying why,
/// where it cannot be used.
std::string tune_gpu(const std::string& device, std::span<const Graph> graphs,
                     const std::function<void(const TunedConvolution&)>& measured);

/// Why no GPU can be used; empty where one can.
std::string why_no_cuda();

}  // namespace giemsa
