// Softmax of rows.
//
//   out[n][k] = exp(in[n][k] - max_j in[n][j]) / sum_j exp(in[n][j] - max_i in[n][i])
#pragma once

#include "kernels/types.h"

namespace giemsa::kernels {

struct SoftmaxParams {
  int rows = 1, columns = 0;
  int input_stride = 0;  ///< elements from a row to the next; 0: columns
};

/// In {rows, input_stride} -> out {rows, columns}, always fp32; T is float or Half. A NaN makes its row NaN. Throws
/// std::invalid_argument where a precondition fails.
template <class T>
void softmax(float* out, const T* in, const SoftmaxParams& params, Stream stream);

/// An exponential and three operations per element.
Cost cost(const SoftmaxParams& params, int element_bytes);

}  // namespace giemsa::kernels
