// cuDNN as a provider of convolutions.
#pragma once

#include <memory>
#include <string>

#include "engine/cuda/vendor.h"

namespace giemsa::cuda {

/// What the headers that this was built with call cuDNN: "libcudnn.so.9". Empty where there were none.
std::string cudnn_file();

/// Opens `file` for the current GPU. `gpu`, where not empty, is cuDNN's description of one instead, in JSON (see
/// CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION): orders are then planned as for that one, but cannot be enqueued. Throws
/// Error(device), naming the file and saying why, where it cannot be used.
std::shared_ptr<Vendor> open_cudnn(const std::string& file, const std::string& gpu = "");

}  // namespace giemsa::cuda
