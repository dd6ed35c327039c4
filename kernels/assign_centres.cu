// Cells of the label grid given to the peaks of their component (see centres.h).
//
// A block takes a component. It first lists the component's peaks in shared memory, in whatever order its threads find
// them, then each thread takes cells, adds the interpolated offsets to a cell's place, and looks for the nearest peak
// in the list, of equally near ones that of the smaller index: the order of the list does not show. A component of one
// cell, as most are, has one peak and leaves after a pass over its 2000 cells. What limits is latency: three barriers,
// reads of labels and offsets from L2.
#include "kernels/centre_arithmetic.h"
#include "kernels/channels.h"

namespace giemsa::kernels {

namespace {

using namespace centres;

constexpr int threads_a_block = 256;
constexpr int max_blocks = 264;  // two on each of 132 multiprocessors; a block takes one component after another

struct Centre {
  int y, x;  // in parts of a place
  int cell;
};

/// The two places around a coordinate, and the weight of the second.
struct Axis {
  int first, second, weight;

  __device__ Axis(int at, int places) {
    const int floor = at >= 0 ? at / parts_of_place : -1;
    weight = at - floor * parts_of_place;
    first = min(max(floor, 0), places - 1);
    second = min(floor + 1, places - 1);
  }
};

/// An offset between places, in parts of one; `channel` 1 is y, 2 is x.
template <class T>
__device__ int offset_at(const T* head, const CentreHead& layout, const Axis& y, const Axis& x, int channel) {
  const auto offset = [&](int row, int column) -> long long {
    const std::int64_t place = std::int64_t{row * layout.size.w + column} * layout.pixel_stride;
    return fixed_point(to_float(head[place + channel]), static_cast<float>(parts_of_place), longest_offset);
  };
  const auto along = [&](int row) {
    return offset(row, x.first) * (parts_of_place - x.weight) + offset(row, x.second) * x.weight;
  };
  const long long sum = along(y.first) * (parts_of_place - y.weight) + along(y.second) * y.weight;
  return static_cast<int>(sum >> 16);  // two weights' parts
}

// A block assigns the cells of a component, then of those a grid of blocks further in the table; all blocks together
// clear the background. PRECOND: is_valid(params.grid), is_valid(params.head).
template <class T>
__global__ void __launch_bounds__(threads_a_block, 2)
    assign_centres_kernel(std::int32_t* __restrict__ basins, const std::int32_t* __restrict__ labels,
                          const ComponentCount* __restrict__ regions, const std::int32_t* __restrict__ peaks,
                          const T* __restrict__ head, AssignParams params) {
  __shared__ Shared<Centre, most_centres> centres;
  __shared__ Shared<int, 1> found;
  wait_for_previous_kernel();
  const SplitGrid& grid = params.grid;
  const int thread = static_cast<int>(threadIdx.x), block = static_cast<int>(blockIdx.x);
  const auto place_y = [&](int y) { return place_of(grid.sample_y(y), grid.image.h, params.head.size.h); };
  const auto place_x = [&](int x) { return place_of(grid.sample_x(x), grid.image.w, params.head.size.w); };

  for (int cell = block * threads_a_block + thread; cell < grid.cells();
       cell += static_cast<int>(gridDim.x) * threads_a_block)
    if (grid.label(labels, cell / grid.w(), cell % grid.w()) == 0) basins[cell] = 0;

  for (int label = 1 + block; label <= regions->count; label += static_cast<int>(gridDim.x)) {
    const ComponentRecord& box = reinterpret_cast<const ComponentRecord*>(regions + 1)[label - 1];
    const int top = box.y / grid.step, left = box.x / grid.step;
    const int rows = box.area > 0 ? (box.y + box.h - 1) / grid.step - top + 1 : 0;
    const int columns = (box.x + box.w - 1) / grid.step - left + 1;
    const auto each_cell = [&](const auto& visit) {
      for (int i = thread; i < rows * columns; i += threads_a_block) {
        const int y = top + i / columns, x = left + i % columns;
        if (grid.label(labels, y, x) == label) visit(y * grid.w() + x, y, x);
      }
    };
    if (thread == 0) found[0] = 0;
    sync_block();
    each_cell([&](int cell, int y, int x) {
      if (peaks[cell] == 0) return;
      const int slot = atomic_add(&found[0], 1);
      if (slot < most_centres) centres[slot] = {place_y(y), place_x(x), cell};
    });
    sync_block();
    const int count = found[0];
    const bool parted = count >= 2 && count <= most_centres;
    each_cell([&](int cell, int y, int x) {
      int nearest = -1;
      if (parted && peaks[cell] > 0) {
        nearest = cell;
      } else if (parted) {
        const int from_y = place_y(y), from_x = place_x(x);
        const Axis around_y(from_y, params.head.size.h), around_x(from_x, params.head.size.w);
        const int middle_y = from_y + offset_at(head, params.head, around_y, around_x, 1);
        const int middle_x = from_x + offset_at(head, params.head, around_y, around_x, 2);
        long long least = 0x7fffffffffffffff;
#pragma unroll 1
        for (int i = 0; i < count; ++i) {
          const Centre& to = centres[i];
          const long long by = to.y - middle_y, bx = to.x - middle_x, far = by * by + bx * bx;
          if (far > least || (far == least && to.cell > nearest)) continue;
          least = far;
          nearest = to.cell;
        }
      }
      basins[cell] = 1 + nearest;
    });
    sync_block();  // the list is the next component's
  }
}

template <class T>
void assign(std::int32_t* basins, const std::int32_t* labels, const ComponentCount* regions, const std::int32_t* peaks,
            const T* head, const AssignParams& params, Stream stream) {
  PRECONDITION(is_valid(params.grid) && is_valid(params.head));
  PRECONDITION(params.capacity >= 0 && params.capacity <= params.grid.pixels());
  PRECONDITION(reinterpret_cast<std::uintptr_t>(regions) % 8 == 0 && basins != peaks);
  const int blocks = static_cast<int>(min(max(params.capacity, std::int64_t{1}), std::int64_t{max_blocks}));
  launch(assign_centres_kernel<T>,
         {.grid = {blocks}, .block = {threads_a_block}, .overlap_previous = true, .stream = stream}, basins, labels,
         regions, peaks, head, params);
}

}  // namespace

void assign_centres(std::int32_t* basins, const std::int32_t* labels, const ComponentCount* regions,
                    const std::int32_t* peaks, const float* head, const AssignParams& params, Stream stream) {
  assign(basins, labels, regions, peaks, head, params, stream);
}
void assign_centres(std::int32_t* basins, const std::int32_t* labels, const ComponentCount* regions,
                    const std::int32_t* peaks, const Half* head, const AssignParams& params, Stream stream) {
  assign(basins, labels, regions, peaks, head, params, stream);
}

Cost cost(const AssignParams& p, int element_bytes) {
  return {.bytes = 3.0 * sizeof(std::int32_t) * p.grid.h() * p.grid.w() +
                   2.0 * element_bytes * p.head.size.h * p.head.size.w};
}

}  // namespace giemsa::kernels
