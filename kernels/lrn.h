// Local response normalisation across channels, as torch.nn.LocalResponseNorm.
//
//   out[p][c] = in[p][c] / (k + alpha/size * sum_{j = c - size/2}^{c + size/2} in[p][j]^2)^beta,  zero outside
#pragma once

#include "kernels/types.h"

namespace giemsa::kernels {

struct LrnParams {
  std::int64_t pixels = 0;  ///< of all images together
  int channels = 0;
  int size = 5;  ///< odd
  float alpha = 1e-4f, beta = 0.75f, k = 1.0f;
  int input_pixel_stride = 0, output_pixel_stride = 0;
};

/// In {pixels, input_pixel_stride} -> out {pixels, output_pixel_stride}, which must not overlap. T is float or Half;
/// the sum and the power are fp32. Any number of channels, stride and address will do; AlexNet's size and beta are
/// fast on whole 16-byte vectors. Throws std::invalid_argument where a precondition fails.
template <class T>
void lrn(T* out, const T* in, const LrnParams& params, Stream stream);

/// `size` multiply-adds per element, and six operations for the power.
Cost cost(const LrnParams& params, int element_bytes);

}  // namespace giemsa::kernels
