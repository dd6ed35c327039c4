// The same work by cuDNN and cuBLAS, as the engine's providers use them: the yardstick.
#pragma once

#include <optional>
#include <string>

#include "bench/gpu/timing.h"
#include "engine/base/tensor.h"
#include "engine/ops/conv2d.h"

namespace giemsa::bench {

/// What a vendor's library took; where it cannot do it, or is not there, `note` says why and `us` is empty.
struct VendorTime {
  std::optional<double> us;
  std::string note;  ///< the library's name for what it ran
};

/// The convolution with bias and activation, without residual, NHWC: the fastest of three that cuDNN's heuristics
/// suggest first, of those that give the same bits in every run; on tensor cores with fp32 sums where `precision` is
/// fp16, else without. {N,C,H,W} -> {N,O,H',W'}.
VendorTime vendor_convolution(Stopwatch& stopwatch, const Conv2d& op, const Shape& in, const Shape& out,
                              DType precision);

/// {samples, in} by {out, in} transposed, with bias, fp16 with fp32 sums or fp32, by cuBLASLt: likewise.
VendorTime vendor_linear(Stopwatch& stopwatch, std::int64_t samples, std::int64_t in, std::int64_t out,
                         DType precision);

/// FLOP/s of a product of 8192 x 8192 x 8192 in fp16; none without cuBLAS.
std::optional<double> vendor_matrix_rate(Stopwatch& stopwatch);

/// What every figure of cuDNN's here has to be read with.
inline constexpr const char* cudnn_caveat =
    "cuDNN's engines that are compiled at run time, its fused ones among them, take no part";

/// "cuDNN 9.13.0, cuBLASLt 13.0.2; " and cudnn_caveat; in place of one that cannot be used, why.
std::string vendor_versions();

}  // namespace giemsa::bench
