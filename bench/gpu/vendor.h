// The same work by cuDNN and cuBLAS, where they were found when this was built: the yardstick. No part of the engine.
#pragma once

#include <optional>
#include <string>

#include "bench/gpu/timing.h"
#include "engine/op.h"
#include "engine/tensor.h"

namespace giemsa::bench {

/// What a vendor's library took; where it cannot do it, or is not there, `note` says why and `us` is empty.
struct VendorTime {
  std::optional<double> us;
  std::string note;  ///< the library's name for what it ran
};

/// The convolution alone, without bias, residual and activation, NHWC: the fastest of those that cuDNN's heuristics
/// suggest first, on tensor cores with fp32 sums where `precision` is fp16, else without. {N,C,H,W} -> {N,O,H',W'}.
VendorTime vendor_convolution(Stopwatch& stopwatch, const Conv2d& op, const Shape& in, const Shape& out,
                              DType precision);

/// {samples, in} by {out, in} transposed, without bias, fp16 with fp32 sums or fp32, by cuBLAS.
VendorTime vendor_linear(Stopwatch& stopwatch, std::int64_t samples, std::int64_t in, std::int64_t out,
                         DType precision);

/// FLOP/s of a product of 8192 x 8192 x 8192 in fp16; none without cuBLAS.
std::optional<double> vendor_matrix_rate(Stopwatch& stopwatch);

/// "cuDNN 9.13.0, cuBLAS 13.0.2", as far as they are there.
std::string vendor_versions();

}  // namespace giemsa::bench
