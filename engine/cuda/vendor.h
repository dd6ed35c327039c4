// What the backend asks of cuDNN and cuBLAS, where the user wants their kernels in place of ours for matrix products.
// Told in the vendors' own terms, so that what tests hold a stand-in to (tests/simt/vendor.cpp) is what the libraries
// are given. Neither is linked: a library is opened when it is asked for, and nothing is where it is not.
//
// Only what gives the same bits in every run takes part: see cudnn.cpp and cublas.cpp. Sums are fp32, and order matters
// to them, so that a provider's results differ from our kernels' in the last bits. In fp16 it takes the bias in fp16
// too, which ours adds in fp32; and a NaN may come out of its ReLU as 0, where ours passes it on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/tensor.h"
#include "engine/cuda/runtime.h"
#include "engine/ops/types.h"

namespace giemsa::cuda {

/// Who computes dense convolutions and fully connected layers. What a vendor's library cannot do remains ours.
enum class Provider : std::uint8_t {
  own,
  cudnn,   ///< dense convolutions
  cublas,  ///< fully connected layers, and 1x1 convolutions that move pixel by pixel
};

/// "own", "cudnn", "cublas". The other way round, throws Error(usage) on any other word.
std::string_view name_of(Provider provider);
Provider provider_named(std::string_view name);

/// What the address of every operand given to a vendor's library is a multiple of, in bytes; and that of a workspace,
/// as cuBLAS asks of cublasSetWorkspace().
inline constexpr std::int64_t vendor_alignment = 16, workspace_alignment = 256;

/// A tensor as cuDNN is told of it: {N,C,H,W}, and how many elements lie from one to the next along each.
struct TensorLayout {
  DType type = DType::f32;
  std::array<std::int64_t, 4> extents{}, strides{};
};

/// y = act(x * w + residual + bias), summed in fp32.
struct ConvolutionDescriptor {
  TensorLayout x, w, bias, y;
  std::optional<TensorLayout> residual;  ///< of y's extents
  Size2 stride{1, 1}, padding{0, 0}, dilation{1, 1};
  bool relu = false;
};

/// A matrix as BLAS is told of it: column by column, `leading` elements from one to the next.
struct MatrixLayout {
  DType type = DType::f32;
  std::int64_t rows = 0, columns = 0, leading = 0;
};

/// D = act(A transposed B + beta C + bias), summed in fp32; C is laid out as D, bias is a column of D's type.
struct MatmulDescriptor {
  MatrixLayout a, b, d;
  float beta = 0;  ///< 0: C is not read; 1
  bool relu = false;
  const void* bias = nullptr;  ///< where it will be: cuBLAS wants to know when it chooses
};

/// On the device. In a product w is A, x is B, the residual is C and y is D.
struct VendorOperands {
  const void *x = nullptr, *w = nullptr, *bias = nullptr;
  const void* residual = nullptr;  ///< null without; may be y
  void *y = nullptr, *workspace = nullptr;
};

/// How a vendor's library carries an order out. Lives no longer than the library's object that made it.
class VendorPlan {
 public:
  virtual ~VendorPlan() = default;

  virtual std::size_t workspace_bytes() const = 0;
  /// "cuDNN engine 41"
  virtual std::string description() const = 0;
  /// Allocates nothing, and may be recorded once it has run. Throws Error(device).
  virtual void enqueue(const VendorOperands& operands, Stream stream) const = 0;
};

/// A library of a vendor, opened for a GPU. May be shared by threads.
class Vendor {
 public:
  virtual ~Vendor() = default;

  /// The plan that the library's own estimate of speed puts at `rank`, 0 first, of those that give the same bits in
  /// every run at no less than our precision; null where there is none. Pure: measures nothing.
  virtual std::unique_ptr<VendorPlan> plan(const ConvolutionDescriptor& order, int rank = 0) = 0;
  virtual std::unique_ptr<VendorPlan> plan(const MatmulDescriptor& order, int rank = 0) = 0;
  /// Whether it plans products at all: their weights need not be uploaded to ask.
  virtual bool multiplies() const = 0;
  /// "cuDNN 9.19.0"
  virtual std::string version() const = 0;
};

/// Null for `own`. Opens the library for the current GPU; throws Error(device), naming the file and saying why, where
/// it cannot be used.
std::shared_ptr<Vendor> open_vendor(Provider provider);

}  // namespace giemsa::cuda
