// How launchers and those who call CUDA's runtime fail. Host code only.
#pragma once

#include <stdexcept>
#include <string>

#ifndef GIEMSA_SIMT
#include <cuda_runtime_api.h>
#endif

namespace giemsa::kernels {

[[noreturn]] inline void precondition_failed(const char* condition, const char* file, int line) {
  throw std::invalid_argument(std::string(file) + ":" + std::to_string(line) + ": " + condition + " does not hold");
}

#ifndef GIEMSA_SIMT

/// A call of the CUDA runtime failed.
class CudaError : public std::runtime_error {
 public:
  CudaError(cudaError_t code, const char* expression, const char* file, int line)
      : std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + expression + ": " +
                           cudaGetErrorName(code) + ": " + cudaGetErrorString(code)),
        code_(code) {}
  cudaError_t code() const noexcept { return code_; }

 private:
  cudaError_t code_;
};

inline void throw_unless_success(cudaError_t code, const char* expression, const char* file, int line) {
  if (code != cudaSuccess) throw CudaError(code, expression, file, line);
}

#endif

}  // namespace giemsa::kernels

/// Throws CudaError with expression, file and line unless the call succeeds.
#define CUDA_CHECK(expression) ::giemsa::kernels::throw_unless_success((expression), #expression, __FILE__, __LINE__)

/// What a launcher asks of its caller; throws std::invalid_argument.
#define PRECONDITION(condition) \
  ((condition) ? static_cast<void>(0) : ::giemsa::kernels::precondition_failed(#condition, __FILE__, __LINE__))
