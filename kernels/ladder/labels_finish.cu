// What follows the forest in labels v1 to v3: roots, sums, numbers, output. One thread per pixel in 5 of 6 launches.
//
// A pixel's parent is read five times and written once, 24 bytes, and 5 bytes come out; each foreground pixel makes six
// global atomics on its component's Statistics, and those of a large component queue up at one address. The product
// makes them once a tile.
#include "kernels/ladder/labels_parts.h"

namespace giemsa::kernels::ladder {

namespace {

constexpr int warps_a_block = threads_a_block / warp_size;

// A thread makes a pixel's parent its root; a root empties its Statistics.
__global__ void __launch_bounds__(threads_a_block) flatten(LabelsWork work, Frame frame) {
  const int node = 1 + own_pixel();
  if (node > frame.pixels()) return;
  const int root = components::find(work.parent, node);
  work.parent[node] = root;  // another thread's walk finds an ancestor as before
  if (root == node) work.statistics[frame.cell(node)] = {0, 0, 0, frame.w, -1, -1};
}

// A thread adds a pixel to its component.
__global__ void __launch_bounds__(threads_a_block) measure_pixels(LabelsWork work, Frame frame) {
  const int node = 1 + own_pixel();
  const int root = node <= frame.pixels() ? work.parent[node] : outside;
  if (root == outside) return;
  Statistics& to = work.statistics[frame.cell(root)];
  const int x = frame.x_of(node), y = frame.y_of(node);
  atomic_add(&to.sum_x, static_cast<unsigned long long>(x));
  atomic_add(&to.sum_y, static_cast<unsigned long long>(y));
  atomic_add(&to.area, 1);
  atomic_min(&to.left, x);
  atomic_max(&to.right, x);
  atomic_max(&to.bottom, y);
}

/// Of the block's roots that are kept, how many precede this thread's, and how many there are. `of_warp` is shared:
/// [warps_a_block].
struct Rank {
  bool kept;
  int before, in_block;

  __device__ Rank(const LabelsWork& work, const Frame& frame, int min_area, int* of_warp) {
    const int node = 1 + own_pixel();
    const int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
    kept = node <= frame.pixels() && work.parent[node] == node && work.statistics[frame.cell(node)].area >= min_area;
    const unsigned all = ballot(kept);
    if (lane == 0) of_warp[warp] = count_ones(all);
    sync_block();
    before = count_ones(all & ((1u << lane) - 1));
    in_block = 0;
    for (int i = 0; i < warps_a_block; ++i) {
      if (i < warp) before += of_warp[i];
      in_block += of_warp[i];
    }
  }
};

// A block counts the roots that are kept among its pixels.
__global__ void __launch_bounds__(threads_a_block) count_roots(LabelsWork work, Frame frame, int min_area) {
  __shared__ Shared<int, warps_a_block> of_warp;
  const Rank rank(work, frame, min_area, of_warp.data());
  if (threadIdx.x == 0) work.kept_before[blockIdx.x] = rank.in_block;
}

// One block: counts become sums of those before, a stretch of them a thread; the table gets the whole.
__global__ void __launch_bounds__(threads_a_block) scan_counts(ComponentCount* table, LabelsWork work, int blocks) {
  __shared__ Shared<int, threads_a_block> sums;
  const int thread = static_cast<int>(threadIdx.x), length = ceil_div(blocks, threads_a_block);
  const int begin = min(thread * length, blocks), end = min(begin + length, blocks);
  int sum = 0;
  for (int i = begin; i < end; ++i) sum += work.kept_before[i];
  sums[thread] = sum;
  sync_block();
  int before = 0;
  for (int i = 0; i < thread; ++i) before += sums[i];
  for (int i = begin; i < end; ++i) {
    const int count = work.kept_before[i];
    work.kept_before[i] = before;
    before += count;
  }
  if (thread == threads_a_block - 1) *table = {before, {}};
}

// A thread numbers a root and writes its record.
__global__ void __launch_bounds__(threads_a_block)
    number_roots(ComponentCount* table, LabelsWork work, Frame frame, int min_area) {
  __shared__ Shared<int, warps_a_block> of_warp;
  const Rank rank(work, frame, min_area, of_warp.data());
  const int node = 1 + own_pixel();
  if (node > frame.pixels() || work.parent[node] != node) return;
  const int index = work.kept_before[blockIdx.x] + rank.before;
  work.numbers[frame.cell(node)] = rank.kept ? 1 + index : 0;
  if (!rank.kept) return;
  const Statistics& s = work.statistics[frame.cell(node)];
  const int top = frame.y_of(node);
  reinterpret_cast<ComponentRecord*>(table + 1)[index] = {s.left,
                                                          top,
                                                          s.right - s.left + 1,
                                                          s.bottom - top + 1,
                                                          s.area,
                                                          0,
                                                          static_cast<std::int64_t>(s.sum_x),
                                                          static_cast<std::int64_t>(s.sum_y)};
}

// A thread writes a pixel; all together zero the records past the count.
__global__ void __launch_bounds__(threads_a_block)
    write_pixels(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, LabelsWork work, Frame frame,
                 std::int64_t capacity) {
  const int pixel = own_pixel(), threads = static_cast<int>(gridDim.x * blockDim.x);
  auto* records = reinterpret_cast<ComponentRecord*>(table + 1);
  for (std::int64_t i = table->count + std::int64_t{pixel}; i < capacity; i += threads) records[i] = {};
  if (pixel >= frame.pixels()) return;
  const int root = work.parent[1 + pixel];
  const int label = root == outside ? 0 : work.numbers[frame.cell(root)];
  labels[pixel] = label;
  clean[pixel] = label != 0;
}

std::size_t ints(int count) {
  return components::aligned_size(sizeof(int) * static_cast<std::size_t>(count));
}

}  // namespace

LabelsWork place(void* workspace, const std::uint8_t* clean, const std::uint8_t* mask, const ComponentsParams& params) {
  PRECONDITION(params.h > 0 && params.w > 0 && clean != mask);
  PRECONDITION(std::int64_t{params.w} * params.h <= std::int64_t{1} << 30);
  PRECONDITION(params.capacity >= max_components(params));
  const Frame frame{params.h, params.w};
  auto* at = static_cast<std::byte*>(workspace);
  const auto take = [&](int count) {
    int* const taken = reinterpret_cast<int*>(at);
    at += ints(count);
    return taken;
  };
  LabelsWork work{};
  work.parent = take(1 + frame.pixels());
  work.background = take(1 + frame.pixels());
  work.numbers = take(frame.cells());
  work.kept_before = take(blocks_of(frame));
  work.changed = take(1);
  work.statistics = reinterpret_cast<Statistics*>(at);
  return work;
}

void finish(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, const LabelsWork& work,
            const ComponentsParams& params, Stream stream) {
  const Frame frame{params.h, params.w};
  const Launch pixels = over_pixels(frame, stream);
  launch(flatten, pixels, work, frame);
  launch(measure_pixels, pixels, work, frame);
  launch(count_roots, pixels, work, frame, params.min_area);
  launch(scan_counts, {.grid = {1}, .block = {threads_a_block}, .stream = stream}, table, work, blocks_of(frame));
  launch(number_roots, pixels, table, work, frame, params.min_area);
  launch(write_pixels, pixels, clean, labels, table, work, frame, params.capacity);
}

}  // namespace giemsa::kernels::ladder

namespace giemsa::kernels {

std::size_t labels_ladder_workspace_bytes(const ComponentsParams& params) {
  using namespace ladder;
  const Frame frame{params.h, params.w};
  return 2 * ints(1 + frame.pixels()) + ints(frame.cells()) + ints(blocks_of(frame)) + ints(1) +
         components::statistics_bytes(frame);
}

}  // namespace giemsa::kernels
