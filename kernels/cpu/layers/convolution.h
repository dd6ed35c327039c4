// What describes a dense convolution (one group, no residual) to the kernels that compute one.
#pragma once

#include <limits>

#include "kernels/cpu/nhwc.h"

namespace giemsa::kernels::cpu {

struct ConvolutionParams {
  SlidingWindow window;
  std::int64_t in_channels = 0, out_channels = 0;
  bool relu = false;
  float ceiling = std::numeric_limits<float>::infinity();  ///< with relu: the largest result, 6 of ReLU6
};

}  // namespace giemsa::kernels::cpu
