// From what a person asks for ("auto", "cuda:1", "bf16") to a backend.
#pragma once

#include <memory>
#include <string>

#include "engine/session.h"

namespace giemsa {

struct DeviceOptions {
  std::string device = "auto";     ///< "auto", "cpu", "cuda", "cuda:N"
  std::string precision = "auto";  ///< "fp32", "bf16", "auto" (fp32, which results are defined by)
  int threads = 0;                 ///< of the CPU; 0: one a core
};

/// Throws Error(usage) for words it does not know and precisions the device does not have, Error(device), saying why,
/// where the device cannot be used.
std::shared_ptr<Backend> open_device(const DeviceOptions& options);

}  // namespace giemsa
