// What the convolutions on tensor cores share once both tiles lie in shared memory: a warp's sums and how splits of k
// are put together again.
#pragma once

#include "kernels/conv2d_parts.h"
#include "kernels/mma.h"

namespace giemsa::kernels {

/// A warp's m x n sums, as mma_m16n8k16 keeps them.
template <int m, int n>
struct WarpSums {
  static constexpr int tiles_m = m / 16, tiles_n = n / 8;
  static_assert(m % 16 == 0 && n % 16 == 0);
  float of[tiles_m][tiles_n][4] = {};

  /// Adds a b^T: a is m rows and b n rows of k elements in shared memory, `row` elements from each to the next. Rows of
  /// 16 bytes more than a multiple of 32 keep a fragment's eight in different banks. All lanes take part.
  template <int k, int row>
  __device__ void add_products(const Half* a, const Half* b) {
    static_assert(k % 16 == 0 && row % 8 == 0);
    const int lane = static_cast<int>(threadIdx.x) % warp_size;
    a += lane % 16 * row + lane / 16 * 8;
    b += (lane / 16 * 8 + lane % 8) * row + lane / 8 % 2 * 8;
#pragma unroll
    for (int at = 0; at < k; at += 16) {
      unsigned a_parts[tiles_m][4], b_parts[tiles_n][2];
#pragma unroll
      for (int i = 0; i < tiles_m; ++i) load_matrices(a_parts[i], a + i * 16 * row + at);
#pragma unroll
      for (int j = 0; j < tiles_n; j += 2) {
        unsigned pair[4];
        load_matrices(pair, b + j * 8 * row + at);
        b_parts[j][0] = pair[0];
        b_parts[j][1] = pair[1];
        b_parts[j + 1][0] = pair[2];
        b_parts[j + 1][1] = pair[3];
      }
#pragma unroll
      for (int i = 0; i < tiles_m; ++i)
#pragma unroll
        for (int j = 0; j < tiles_n; ++j) mma_m16n8k16(of[i][j], a_parts[i], b_parts[j]);
    }
  }

  /// Calls take(row, column, {sum, sum of column + 1}) for this thread's pairs.
  template <class Take>
  __device__ void each_pair(const Take& take) const {
    const int lane = static_cast<int>(threadIdx.x) % warp_size;
#pragma unroll
    for (int i = 0; i < tiles_m; ++i)
#pragma unroll
      for (int half = 0; half < 2; ++half)
#pragma unroll
        for (int j = 0; j < tiles_n; ++j)
          take(i * 16 + half * 8 + lane / 4, j * 8 + lane % 4 * 2,
               Vec<float, 2>{of[i][j][2 * half], of[i][j][2 * half + 1]});
  }
};

/// Adds the splits' sums in the order of k and finishes them: `parts` is {splits, pixels, channels}, aligned to 16
/// bytes.
template <class Out>
void sum_splits(const Conv2dEpilogue<Out, Half>& epilogue, const float* parts, int splits, int pixels, int channels,
                Stream stream);

/// What a split writes there.
inline Conv2dEpilogue<float, Half> epilogue_of_parts(float* parts, int channels) {
  return {parts, nullptr, nullptr, channels, 0, false};
}

}  // namespace giemsa::kernels
