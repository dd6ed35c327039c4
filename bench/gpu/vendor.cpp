#include "bench/gpu/vendor.h"

#include <array>
#include <memory>
#include <vector>

#include "engine/check.h"

#ifdef GIEMSA_HAS_CUBLAS
#include <cublas_v2.h>
#endif
#ifdef GIEMSA_HAS_CUDNN
#include <cudnn.h>
#endif

namespace giemsa::bench {

namespace {

/// Device memory of small values, of which none is zero: fp16 or fp32 in [-0.5, 0.5).
[[maybe_unused]] cuda::DeviceMemory random_values(std::int64_t count, DType precision, cuda::Stream stream) {
  const std::size_t bytes = static_cast<std::size_t>(count) * size_of(precision);
  std::vector<std::byte> values(bytes);
  std::uint32_t state = 1;
  for (std::int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    const float value = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
    if (precision == DType::f16)
      reinterpret_cast<std::uint16_t*>(values.data())[i] = f32_to_f16(value);
    else
      reinterpret_cast<float*>(values.data())[i] = value;
  }
  cuda::DeviceMemory memory = cuda::device_memory(bytes);
  cuda::copy(memory.get(), values.data(), bytes, stream);
  cuda::synchronise(stream);
  return memory;
}

}  // namespace

#ifdef GIEMSA_HAS_CUBLAS

namespace {

void require(cublasStatus_t status) {
  check(status == CUBLAS_STATUS_SUCCESS, ErrorKind::device, "cuBLAS: ", cublasGetStatusString(status));
}

class Blas {
 public:
  Blas() {
    require(cublasCreate(&handle_));
    require(cublasSetWorkspace(handle_, workspace_.get(), workspace_bytes));  // which graphs may record
  }
  ~Blas() { cublasDestroy(handle_); }
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  /// Row-major y {m,n} = x {m,k} w {n,k} transposed.
  double us(Stopwatch& stopwatch, std::int64_t m, std::int64_t n, std::int64_t k, DType precision) {
    const cuda::DeviceMemory x = random_values(m * k, precision, stopwatch.stream());
    const cuda::DeviceMemory w = random_values(n * k, precision, stopwatch.stream());
    const cuda::DeviceMemory y = cuda::device_memory(static_cast<std::size_t>(m * n) * size_of(precision));
    const cudaDataType_t type = precision == DType::f16 ? CUDA_R_16F : CUDA_R_32F;
    const float one = 1, zero = 0;
    const auto [rows, columns, depth] = std::array{static_cast<int>(n), static_cast<int>(m), static_cast<int>(k)};
    return stopwatch
        .in_graph([&](cuda::Stream stream) {
          require(cublasSetStream(handle_, stream));
          require(cublasSetWorkspace(handle_, workspace_.get(), workspace_bytes));  // a new stream resets it
          require(cublasGemmEx(handle_, CUBLAS_OP_T, CUBLAS_OP_N, rows, columns, depth, &one, w.get(), type, depth,
                               x.get(), type, depth, &zero, y.get(), type, rows, CUBLAS_COMPUTE_32F,
                               CUBLAS_GEMM_DEFAULT));
        })
        .median;
  }

 private:
  static constexpr std::size_t workspace_bytes = std::size_t{64} << 20;
  cuda::DeviceMemory workspace_ = cuda::device_memory(workspace_bytes);
  cublasHandle_t handle_ = nullptr;
};

}  // namespace

VendorTime vendor_linear(Stopwatch& stopwatch, std::int64_t samples, std::int64_t in, std::int64_t out,
                         DType precision) {
  try {
    return {Blas().us(stopwatch, samples, out, in, precision), "cublasGemmEx"};
  } catch (const std::runtime_error& error) {
    return {std::nullopt, error.what()};
  }
}

std::optional<double> vendor_matrix_rate(Stopwatch& stopwatch) {
  constexpr std::int64_t side = 8192;
  return 2.0 * side * side * side / (Blas().us(stopwatch, side, side, side, DType::f16) * 1e-6);
}

#else

VendorTime vendor_linear(Stopwatch&, std::int64_t, std::int64_t, std::int64_t, DType) {
  return {std::nullopt, "built without cuBLAS"};
}

std::optional<double> vendor_matrix_rate(Stopwatch&) {
  return std::nullopt;
}

#endif

#ifdef GIEMSA_HAS_CUDNN

namespace {

void require(cudnnStatus_t status) {
  check(status == CUDNN_STATUS_SUCCESS, ErrorKind::device, "cuDNN: ", cudnnGetErrorString(status));
}

/// A cuDNN object, made by `make` and unmade by `unmake`.
template <class T, cudnnStatus_t (*make)(T*), cudnnStatus_t (*unmake)(T)>
class Owned {
 public:
  Owned() { require(make(&object_)); }
  ~Owned() { unmake(object_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  operator T() const { return object_; }

 private:
  T object_{};
};
using Handle = Owned<cudnnHandle_t, cudnnCreate, cudnnDestroy>;
using TensorInfo = Owned<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;
using FilterInfo = Owned<cudnnFilterDescriptor_t, cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor>;
using ConvolutionInfo =
    Owned<cudnnConvolutionDescriptor_t, cudnnCreateConvolutionDescriptor, cudnnDestroyConvolutionDescriptor>;

VendorTime time_convolution(Stopwatch& stopwatch, const Conv2d& op, const Shape& in, const Shape& out,
                            DType precision) {
  const auto narrow = [](std::int64_t value) { return static_cast<int>(value); };
  const bool fp16 = precision == DType::f16;
  const cudnnDataType_t type = fp16 ? CUDNN_DATA_HALF : CUDNN_DATA_FLOAT;
  const auto dense = [&](cudnnTensorDescriptor_t info, const Shape& shape) {
    require(cudnnSetTensor4dDescriptor(info, CUDNN_TENSOR_NHWC, type, narrow(shape[0]), narrow(shape[1]),
                                       narrow(shape[2]), narrow(shape[3])));
  };
  static const Handle handle;  // some 100 ms to make
  const TensorInfo in_info, out_info;
  const FilterInfo filter;
  const ConvolutionInfo convolution;
  dense(in_info, in);
  dense(out_info, out);
  require(cudnnSetFilter4dDescriptor(filter, type, CUDNN_TENSOR_NHWC, narrow(op.out_channels),
                                     narrow(in[1] / op.groups), narrow(op.kernel.h), narrow(op.kernel.w)));
  require(cudnnSetConvolution2dDescriptor(convolution, narrow(op.padding.h), narrow(op.padding.w), narrow(op.stride.h),
                                          narrow(op.stride.w), narrow(op.dilation.h), narrow(op.dilation.w),
                                          CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  require(cudnnSetConvolutionGroupCount(convolution, narrow(op.groups)));
  require(cudnnSetConvolutionMathType(convolution, fp16 ? CUDNN_TENSOR_OP_MATH : CUDNN_FMA_MATH));

  const cuda::Stream stream = stopwatch.stream();
  const cuda::DeviceMemory x = random_values(in.volume(), precision, stream);
  const cuda::DeviceMemory w =
      random_values(op.out_channels * (in[1] / op.groups) * op.kernel.h * op.kernel.w, precision, stream);
  const cuda::DeviceMemory y = cuda::device_memory(static_cast<std::size_t>(out.volume()) * size_of(precision));

  std::array<cudnnConvolutionFwdAlgoPerf_t, 8> suggestions{};
  int count = 0;
  require(cudnnSetStream(handle, stream));
  require(cudnnGetConvolutionForwardAlgorithm_v7(handle, in_info, filter, convolution, out_info,
                                                 static_cast<int>(suggestions.size()), &count, suggestions.data()));
  constexpr int tried = 3;
  constexpr std::size_t most_workspace = std::size_t{1} << 30;
  VendorTime best{std::nullopt, "cuDNN suggests nothing that it can run"};
  for (int i = 0, left = tried; i < count && left > 0; ++i) {
    const auto& suggestion = suggestions[static_cast<std::size_t>(i)];
    if (suggestion.status != CUDNN_STATUS_SUCCESS || suggestion.memory > most_workspace) continue;
    --left;
    try {
      require(cudnnSetConvolutionMathType(convolution, fp16 ? suggestion.mathType : CUDNN_FMA_MATH));
      std::size_t bytes = 0;
      require(cudnnGetConvolutionForwardWorkspaceSize(handle, in_info, filter, convolution, out_info, suggestion.algo,
                                                      &bytes));
      const cuda::DeviceMemory workspace = cuda::device_memory(bytes);
      const float one = 1, zero = 0;
      const auto run = [&](cuda::Stream s) {
        require(cudnnSetStream(handle, s));
        require(cudnnConvolutionForward(handle, &one, in_info, x.get(), filter, w.get(), convolution, suggestion.algo,
                                        workspace.get(), bytes, &zero, out_info, y.get()));
      };
      run(stream);  // what is compiled or loaded at the first call may not be recorded
      cuda::synchronise(stream);
      const double us = stopwatch.in_graph(run).median;
      if (!best.us || us < *best.us) best = {us, cat("cuDNN algorithm ", static_cast<int>(suggestion.algo))};
    } catch (const std::runtime_error& error) {
      if (!best.us) best.note = error.what();
    }
  }
  return best;
}

}  // namespace

VendorTime vendor_convolution(Stopwatch& stopwatch, const Conv2d& op, const Shape& in, const Shape& out,
                              DType precision) {
  try {
    return time_convolution(stopwatch, op, in, out, precision);
  } catch (const std::runtime_error& error) {
    return {std::nullopt, error.what()};
  }
}

#else

VendorTime vendor_convolution(Stopwatch&, const Conv2d&, const Shape&, const Shape&, DType) {
  return {std::nullopt, "built without cuDNN"};
}

#endif

std::string vendor_versions() {
  std::string text;
#ifdef GIEMSA_HAS_CUDNN
  const std::size_t cudnn = cudnnGetVersion();
  text = cat("cuDNN ", cudnn / 10000, '.', cudnn % 10000 / 100, '.', cudnn % 100);
#endif
#ifdef GIEMSA_HAS_CUBLAS
  int version[3] = {};
  cublasGetProperty(MAJOR_VERSION, &version[0]);
  cublasGetProperty(MINOR_VERSION, &version[1]);
  cublasGetProperty(PATCH_LEVEL, &version[2]);
  text += cat(text.empty() ? "" : ", ", "cuBLAS ", version[0], '.', version[1], '.', version[2]);
#endif
  return text.empty() ? "none" : text;
}

}  // namespace giemsa::bench
