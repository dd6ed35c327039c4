// cuBLAS, more exactly cuBLASLt, as a provider of matrix products.
#pragma once

#include <memory>
#include <string>

#include "engine/cuda/vendor.h"

namespace giemsa::cuda {

/// What the headers that this was built with call cuBLASLt: "libcublasLt.so.13". Empty where there were none.
std::string cublas_file();

/// Opens `file` for the current GPU. Throws Error(device), naming the file and saying why, where it cannot be used.
std::shared_ptr<Vendor> open_cublas(const std::string& file);

}  // namespace giemsa::cuda
