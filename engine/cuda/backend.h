// The CUDA backend: our kernels, one CUDA graph for the whole way of an image.
#pragma once

#include <memory>
#include <string>

#include "engine/run/session.h"

namespace giemsa {

struct CudaOptions {
  int index = 0;                 ///< which GPU, in the driver's order
  DType precision = DType::f16;  ///< fp32, or fp16: activations and convolution weights in fp16, sums in fp32
  std::string tuning{};          ///< a file of plans measured on such a GPU; empty: the built-in table
  std::string provider = "own";  ///< of matrix products: "cudnn" and "cublas" where they can, in place of our kernels
  bool loops_on_device = true;   ///< false: the host starts each batch of cells, as with drivers before 12.4
};

/// Throws Error(device), saying why, where the GPU or the provider's library cannot be used; Error(usage) where
/// precision, tuning or provider do not fit.
std::shared_ptr<Backend> make_cuda_backend(const CudaOptions& options);

}  // namespace giemsa
