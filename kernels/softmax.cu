// Softmax of rows (see softmax.h). 16 cells of 5 classes are 480 bytes: only latency counts. A warp makes a row, so
// that nothing waits for a block barrier; it reads the row three times, from L1 after the first, rather than keep a row
// of unknown length in registers. Lanes are joined by shuffles, in an order that depends on nothing.
#include "kernels/softmax.h"

#include <cmath>

#include "kernels/channels.h"

namespace giemsa::kernels {

namespace {

constexpr int warps_a_block = 4;

// A block makes 4 rows, a warp one, a lane every 32nd element.
// PRECOND: p.input_stride is not 0.
template <class T>
__global__ void __launch_bounds__(warps_a_block* warp_size)
    softmax_kernel(float* __restrict__ out, const T* __restrict__ in, SoftmaxParams p) {
  wait_for_previous_kernel();
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  const int row = static_cast<int>(blockIdx.x) * warps_a_block + static_cast<int>(threadIdx.x) / warp_size;
  if (row >= p.rows) return;
  const T* from = in + static_cast<std::int64_t>(row) * p.input_stride;
  float* to = out + static_cast<std::int64_t>(row) * p.columns;

  float largest = -INFINITY;
  for (int k = lane; k < p.columns; k += warp_size) largest = fmaxf(largest, to_float(from[k]));
  for (int bits = warp_size / 2; bits > 0; bits /= 2) largest = fmaxf(largest, shuffle_xor(largest, bits));
  float sum = 0.0f;
  for (int k = lane; k < p.columns; k += warp_size) sum += expf(to_float(from[k]) - largest);
  for (int bits = warp_size / 2; bits > 0; bits /= 2) sum += shuffle_xor(sum, bits);
  for (int k = lane; k < p.columns; k += warp_size) to[k] = expf(to_float(from[k]) - largest) / sum;
}

}  // namespace

template <class T>
void softmax(float* out, const T* in, const SoftmaxParams& params, Stream stream) {
  SoftmaxParams p = params;
  if (p.input_stride == 0) p.input_stride = p.columns;
  PRECONDITION(p.rows > 0 && p.columns > 0 && p.columns <= 1 << 30 && p.input_stride >= p.columns);
  launch(softmax_kernel<T>,
         {.grid = {ceil_div(p.rows, warps_a_block)},
          .block = {warps_a_block * warp_size},
          .overlap_previous = true,
          .stream = stream},
         out, in, p);
}

template void softmax(float*, const float*, const SoftmaxParams&, Stream);
template void softmax(float*, const Half*, const SoftmaxParams&, Stream);

Cost cost(const SoftmaxParams& p, int element_bytes) {
  const double elements = double(p.rows) * p.columns;
  return {.bytes = elements * (element_bytes + 4.0), .flops = 4.0 * elements};
}

}  // namespace giemsa::kernels
