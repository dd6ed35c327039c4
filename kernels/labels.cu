// Bandwidth-bound passes over a label image, 4 bytes per pixel. Measuring finds few regions with many pixels each, so
// that an atomic per pixel would queue up: a warp takes 32 neighbours of a row, and each label among them costs one set
// of atomics, whatever the number of its pixels.
#include "kernels/labels.h"

#include "kernels/channels.h"
#include "kernels/device.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256;
constexpr std::int32_t far_away = 0x7fffffff;

// A thread makes a pixel.
__global__ void __launch_bounds__(threads_a_block)
    resize_labels_kernel(std::int32_t* __restrict__ out, const std::int32_t* __restrict__ labels, Extent in,
                         Extent out_size) {
  wait_for_previous_kernel();
  const int i = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  if (i >= out_size.h * out_size.w) return;
  const int y = i / out_size.w, x = i - y * out_size.w;
  const auto nearest = [](int at, int from, int to) {
    return static_cast<int>((2 * std::int64_t{at} + 1) * from / (2 * std::int64_t{to}));
  };
  out[i] = labels[static_cast<std::int64_t>(nearest(y, in.h, out_size.h)) * in.w + nearest(x, in.w, out_size.w)];
}

__device__ ComponentRecord* records_of(ComponentCount* table) {
  return reinterpret_cast<ComponentRecord*>(table + 1);
}

// A thread makes a record's neutral element: while boxes are measured, w and h are the last column and row.
__global__ void __launch_bounds__(threads_a_block)
    start_measuring_kernel(ComponentCount* table, std::int64_t capacity) {
  wait_for_previous_kernel();
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * threads_a_block + threadIdx.x;
  if (i == 0) *table = ComponentCount{};
  if (i < capacity) records_of(table)[i] = {far_away, far_away, -1, -1, 0, 0, 0, 0};
}

// A warp takes 32 pixels of a row. PRECOND: the grid has a row of blocks for each row of the map.
__global__ void __launch_bounds__(threads_a_block)
    measure_kernel(ComponentCount* table, const std::int32_t* __restrict__ labels, Extent map, std::int64_t capacity) {
  wait_for_previous_kernel();
  const int x = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  for (int y = static_cast<int>(blockIdx.y); y < map.h; y += static_cast<int>(gridDim.y)) {
    const std::int32_t label = x < map.w ? labels[static_cast<std::int64_t>(y) * map.w + x] : 0;
    const unsigned same = match_lanes(static_cast<unsigned>(label));
    const bool leads = lane == find_first_set(same) - 1;
    if (!leads || label <= 0 || label > capacity) continue;
    // The leader is the first of its label's lanes.
    const int pixels = count_ones(same), last = x - lane + warp_size - 1 - count_leading_zeros(same);
    long long sum_x = static_cast<long long>(x - lane) * pixels;
    for (unsigned rest = same; rest != 0; rest &= rest - 1) sum_x += find_first_set(rest) - 1;
    ComponentRecord& record = records_of(table)[label - 1];
    atomic_max(&table->count, label);
    atomic_min(&record.x, x);
    atomic_min(&record.y, y);
    atomic_max(&record.w, last);
    atomic_max(&record.h, y);
    atomic_add(&record.area, pixels);
    atomic_add(reinterpret_cast<unsigned long long*>(&record.sum_x), static_cast<unsigned long long>(sum_x));
    atomic_add(reinterpret_cast<unsigned long long*>(&record.sum_y),
               static_cast<unsigned long long>(y) * static_cast<unsigned long long>(pixels));
  }
}

// A thread finishes a record.
__global__ void __launch_bounds__(threads_a_block)
    finish_measuring_kernel(ComponentCount* table, std::int64_t capacity) {
  wait_for_previous_kernel();
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * threads_a_block + threadIdx.x;
  if (i >= capacity) return;
  ComponentRecord& record = records_of(table)[i];
  if (record.area == 0) {
    record = ComponentRecord{};
    return;
  }
  record.w += 1 - record.x;
  record.h += 1 - record.y;
}

constexpr int labels_a_vector = 8;

// A thread narrows vectors of 8 labels, one in a grid's worth; of those left over, one.
__global__ void __launch_bounds__(threads_a_block)
    narrow_labels_kernel(std::uint16_t* __restrict__ out, const std::int32_t* __restrict__ labels, std::int64_t count) {
  wait_for_previous_kernel();
  constexpr int n = labels_a_vector;
  const std::int64_t vectors = count / n, threads = static_cast<std::int64_t>(gridDim.x) * threads_a_block;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * threads_a_block + threadIdx.x;
  for (std::int64_t i = first; i < vectors; i += threads) {
    Vec<std::uint16_t, n> narrow;
#pragma unroll
    for (int part = 0; part < n; part += 4) {
      const Vec<std::int32_t, 4> wide = load_streaming<4>(labels + i * n + part);
#pragma unroll
      for (int j = 0; j < 4; ++j) narrow[part + j] = static_cast<std::uint16_t>(wide[j]);
    }
    store(out + i * n, narrow);
  }
  const std::int64_t rest = vectors * n + first;
  if (rest < count) out[rest] = static_cast<std::uint16_t>(labels[rest]);
}

}  // namespace

void resize_labels(std::int32_t* out, const std::int32_t* labels, Extent in, Extent out_size, Stream stream) {
  PRECONDITION(in.h > 0 && in.w > 0 && out_size.h > 0 && out_size.w > 0);
  const int blocks = blocks_for(std::int64_t{out_size.h} * out_size.w, threads_a_block);
  launch(resize_labels_kernel,
         {.grid = {blocks}, .block = {threads_a_block}, .overlap_previous = true, .stream = stream}, out, labels, in,
         out_size);
}

void measure_labels(ComponentCount* table, const std::int32_t* labels, Extent map, std::int64_t capacity,
                    Stream stream) {
  PRECONDITION(map.h > 0 && map.w > 0 && capacity >= 0);
  const Launch a_record_each{.grid = {blocks_for(max(capacity, std::int64_t{1}), threads_a_block)},
                             .block = {threads_a_block},
                             .overlap_previous = true,
                             .stream = stream};
  launch(start_measuring_kernel, a_record_each, table, capacity);
  launch(measure_kernel,
         {.grid = {ceil_div(map.w, threads_a_block), min(map.h, 65535)},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         table, labels, map, capacity);
  launch(finish_measuring_kernel, a_record_each, table, capacity);
}

void narrow_labels(std::uint16_t* out, const std::int32_t* labels, std::int64_t count, Stream stream) {
  PRECONDITION(count > 0 && reinterpret_cast<std::uintptr_t>(out) % 16 == 0 &&
               reinterpret_cast<std::uintptr_t>(labels) % 16 == 0);
  launch(narrow_labels_kernel,
         {.grid = {blocks_for(ceil_div(count, std::int64_t{labels_a_vector}), threads_a_block)},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         out, labels, count);
}

Cost resize_labels_cost(Extent out_size) {
  return {.bytes = 2.0 * sizeof(std::int32_t) * out_size.h * out_size.w};
}

Cost measure_labels_cost(Extent map, std::int64_t capacity) {
  return {.bytes =
              double(sizeof(std::int32_t)) * map.h * map.w + double(sizeof(ComponentRecord)) * double(1 + capacity)};
}

Cost narrow_labels_cost(std::int64_t count) {
  return {.bytes = double(sizeof(std::int32_t) + sizeof(std::uint16_t)) * double(count)};
}

}  // namespace giemsa::kernels
