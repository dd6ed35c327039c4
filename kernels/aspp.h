// The atrous branches of separable ASPP: three depthwise 3x3 convolutions of one input, each with its own rate
// (dilation, and padding of the same size, so that maps keep their size). DeepLabv3+ (Chen et al. 2018), section 3.1.
//
//   out_r[n][y][x][c] = act(bias_r[c] + sum_{i,j} in[n][y + (i-1) rate_r][x + (j-1) rate_r][c] w_r[i][j][c])
#pragma once

#include "kernels/nhwc.h"
#include "kernels/types.h"

namespace giemsa::kernels {

inline constexpr int aspp_branches = 3;

struct AsppParams {
  int images = 1, channels = 0;
  Extent map = {};                         ///< of input and outputs
  int rates[aspp_branches] = {6, 12, 18};  ///< may exceed the map: then only centre taps are left
  int input_pixel_stride = 0, output_pixel_stride = 0;
  bool relu = false;
};

/// One of the branches; shapes and alignment as of depthwise().
template <class T>
struct AsppBranch {
  T* out;             ///< {images, map.h, map.w, output_pixel_stride}
  const T* weights;   ///< {3, 3, channels}
  const float* bias;  ///< {channels}, or null
};

/// In {images, map.h, map.w, input_pixel_stride} -> the branches' outputs. T is float or Half; sums are fp32. Throws
/// std::invalid_argument where a precondition fails.
template <class T>
void aspp_depthwise(const AsppBranch<T> (&branches)[aspp_branches], const T* in, const AsppParams& params,
                    Stream stream);

/// The input is counted once.
Cost cost(const AsppParams& params, int element_bytes);

}  // namespace giemsa::kernels
