// Local response normalisation across channels, as torch.nn.LocalResponseNorm with windows of an odd size:
//
//   out[p][c] = in[p][c] / (k + alpha/size * sum of in[p][j]^2 over |j - c| <= (size-1)/2)^beta,  zero outside
//
// `size` additions and two square roots per element: bound by the roots.
#pragma once

#include <cstdint>

namespace giemsa::kernels::cpu {

struct LrnParams {
  std::int64_t size = 5;  ///< odd, at most lrn_max_size
  float alpha = 1e-4f, beta = 0.75f, k = 1.0f;
};

constexpr std::int64_t lrn_max_size = 63;

/// Dense {pixels, channels} -> the same. Throws std::invalid_argument for a size that is even or out of range.
void lrn(float* out, const float* in, std::int64_t pixels, std::int64_t channels, const LrnParams& params);

}  // namespace giemsa::kernels::cpu
