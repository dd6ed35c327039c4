// Fully connected layers on few samples.
//
//   y[s][o] = act(scale[o] * sum_k x[s][k] w[o][k] + bias[o])
#pragma once

#include "kernels/types.h"

namespace giemsa::kernels {

struct LinearParams {
  int samples = 1, in = 0, out = 0;
  bool relu = false;
};

/// X {samples, in}, weights {out, in}, scale and bias {out} fp32 or null (1 and 0) -> y {samples, out}. (Y, X, W) is
/// (float, float, float), (float, float, int8), or one of Half or float, Half, and Half or int8. `in` is a multiple of
/// 16, the longest vector of weights (pad both with zeros); x and weights are aligned to 16 bytes. Sums are fp32, in an
/// order that depends on `in` and the types alone: a sample's result does not depend on how many there are. Throws
/// std::invalid_argument where a precondition fails.
template <class Y, class X, class W>
void linear(Y* y, const X* x, const W* weights, const float* scale, const float* bias, const LinearParams& params,
            Stream stream);

/// Weights, x and y are counted once.
Cost cost(const LinearParams& params, int y_bytes, int x_bytes, int weight_bytes);

}  // namespace giemsa::kernels
