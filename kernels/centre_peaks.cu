// Peaks of a centre head's heatmap (see centres.h): a thread per cell of the label grid looks at the places of the head
// whose middles lie in its cell, one in four where the network sees half of the image's pixels. Only where a value is
// large enough, some dozens of places a cell, are its 48 neighbours read, from L1; the launch is short, and its latency
// limits.
//
// Gathering by cell, rather than scattering by peak, makes the result the same in every order of threads without an
// atomic.
#include "kernels/centre_arithmetic.h"
#include "kernels/channels.h"

namespace giemsa::kernels {

namespace {

using namespace centres;

constexpr int threads_a_block = 256;

/// Whether the value at (y, x) is the greatest around it; of equal ones the first.
template <class T>
__device__ bool is_greatest(const T* head, const CentrePeakParams& p, int y, int x, int value) {
  const int bottom = min(y + p.reach, p.head.size.h - 1), right = min(x + p.reach, p.head.size.w - 1);
#pragma unroll 1
  for (int to_y = max(y - p.reach, 0); to_y <= bottom; ++to_y)
#pragma unroll 1
    for (int to_x = max(x - p.reach, 0); to_x <= right; ++to_x) {
      const int there = value_of(to_float(head[std::int64_t{to_y * p.head.size.w + to_x} * p.head.pixel_stride]));
      const bool before = to_y < y || (to_y == y && to_x < x);
      if (there > value || (there == value && before)) return false;
    }
  return true;
}

// A thread makes a cell of the grid. PRECOND: is_valid(params.grid), is_valid(params.head).
template <class T>
__global__ void __launch_bounds__(threads_a_block)
    centre_peaks_kernel(std::int32_t* __restrict__ peaks, const std::int32_t* __restrict__ labels,
                        const T* __restrict__ head, CentrePeakParams params) {
  wait_for_previous_kernel();
  const SplitGrid& grid = params.grid;
  const Extent places = params.head.size;
  const int cell = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  if (cell >= grid.cells()) return;
  const int cell_y = cell / grid.w(), cell_x = cell - cell_y * grid.w();
  int peak = 0;
  if (grid.label(labels, cell_y, cell_x) != 0) {
    const int least = max(value_of(params.least), 1);
    const int end_y = first_place((cell_y + 1) * grid.step, grid.image.h, places.h);
    const int begin_x = first_place(cell_x * grid.step, grid.image.w, places.w);
    const int end_x = first_place((cell_x + 1) * grid.step, grid.image.w, places.w);
#pragma unroll 1
    for (int y = first_place(cell_y * grid.step, grid.image.h, places.h); y < end_y; ++y)
#pragma unroll 1
      for (int x = begin_x; x < end_x; ++x) {
        const int value = value_of(to_float(head[std::int64_t{y * places.w + x} * params.head.pixel_stride]));
        if (value >= max(least, peak + 1) && is_greatest(head, params, y, x, value)) peak = value;
      }
  }
  peaks[cell] = peak;
}

template <class T>
void find_peaks(std::int32_t* peaks, const std::int32_t* labels, const T* head, const CentrePeakParams& params,
                Stream stream) {
  PRECONDITION(is_valid(params.grid) && is_valid(params.head));
  PRECONDITION(params.reach >= 1 && params.reach <= 64 && params.least > 0);
  launch(centre_peaks_kernel<T>,
         {.grid = {blocks_for(params.grid.cells(), threads_a_block)},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         peaks, labels, head, params);
}

}  // namespace

void centre_peaks(std::int32_t* peaks, const std::int32_t* labels, const float* head, const CentrePeakParams& params,
                  Stream stream) {
  find_peaks(peaks, labels, head, params, stream);
}
void centre_peaks(std::int32_t* peaks, const std::int32_t* labels, const Half* head, const CentrePeakParams& params,
                  Stream stream) {
  find_peaks(peaks, labels, head, params, stream);
}

Cost cost(const CentrePeakParams& p, int element_bytes) {
  return {.bytes = 2.0 * sizeof(std::int32_t) * p.grid.h() * p.grid.w() +
                   double(element_bytes) * p.head.size.h * p.head.size.w};
}

}  // namespace giemsa::kernels
