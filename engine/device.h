// From what a person asks for ("auto", "cuda:1", "bf16") to a backend.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/session.h"

namespace giemsa {

struct DeviceOptions {
  std::string device = "auto";     ///< "auto" (a GPU where one can be used, else the CPU), "cpu", "cuda", "cuda:N"
  std::string precision = "auto";  ///< "fp32", "bf16" (CPU), "fp16" (GPU), "auto": fp32 on the CPU, fp16 on a GPU
  int threads = 0;                 ///< of the CPU; 0: one a core
  std::string tuning{};            ///< for GPUs: a file that `giemsa tune` made; empty: the built-in table
};

/// Throws Error(usage) for words it does not know and precisions the device does not have, Error(device), saying why,
/// where the device cannot be used.
std::shared_ptr<Backend> open_device(const DeviceOptions& options);

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

/// Why no GPU can be used; empty where one can.
std::string why_no_cuda();

}  // namespace giemsa
