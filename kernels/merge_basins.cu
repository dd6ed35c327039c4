// Basins merged into parts (see basins.h):
//
//   1. merge_in_components  a block per component: its basins become parts, in rounds, each by one pass over its cells
//   2. measure_parts        areas, boxes, sums and first pixels of the parts; the last block to finish numbers them
//   3. write_parts          labels and table
//
// Why rounds, where merging is usually a loop over saddles from the highest: all parts that have to merge do so at once,
// each across its highest saddle, and at least half of them vanish in a round (Boruvka's minimum spanning tree). The
// result is the loop's. The highest saddle out of a part is the first that the loop would come to. If it lies too high
// for that part's peak, the loop merges there as well: the part across it either is higher, so that this peak is the
// lower one, or is lower, so that the saddle is even less deep below it. And if it lies deep enough, all further saddles
// of the part do, too, whatever it may be part of by then. Saddles are ordered without ties, so that only two parts that
// chose the same saddle can form a circle. A component whose cells all flow to one summit, as most do, leaves at once.
//
// Heights are compared as squares in 64 bits, (100 - depth)^2 peak < 100^2 saddle: no root is taken, no bit is lost.
//
// What limits: a component's cells are few, 2000 of a cell's box, so the latency of three or four barriers a round and
// of dependent reads from L2 does. Launch 2 and 3 read the labels, launch 3 writes them: 12 bytes per pixel.
#include "kernels/basins.h"
#include "kernels/channels.h"
#include "kernels/device.h"
#include "kernels/merge_basins_component.h"

namespace giemsa::kernels {

namespace {

using namespace parts;

constexpr int max_merging_blocks = 264;  // two on each of 132 multiprocessors; a block takes one component after another

// A block merges the basins of a component, then of those a grid of blocks further in the table.
__global__ void __launch_bounds__(threads_a_block, 2) merge_in_components(Workspace work, Inputs in, MergeParams params) {
  __shared__ Shared<Board, 1> board;
  wait_for_previous_kernel();
  if (blockIdx.x == 0 && threadIdx.x == 0) *work.control = {0, 0};
  for (int label = 1 + static_cast<int>(blockIdx.x); label <= in.regions->count; label += static_cast<int>(gridDim.x)) {
    Component(work, in, params, label, board.data()).merge();
    sync_block();  // the board is the next component's
  }
}

/// Where the statistics of a pixel's part are; -1 for the background.
__device__ int slot_of(const Workspace& work, const Inputs& in, const MergeParams& params, int label, int y, int x) {
  if (label == 0) return -1;
  const int summit = work.summit[label - 1];
  if (summit == 0) return label - 1;
  return static_cast<int>(params.capacity) + part_of(work, in, params.grid, label, summit - 1, y, x);
}

/// Calls visit(statistics) for every part, each in one of `threads` threads, of which this is `thread`.
template <class Visit>
__device__ void each_part(const Workspace& work, const Inputs& in, const MergeParams& params, int thread, int threads,
                          const Visit& visit) {
  const int labels = in.regions->count, slots = labels + params.grid.cells();
  for (int i = thread; i < slots; i += threads) {
    const int cell = i - labels;
    if (cell >= 0 && in.basins[cell] != cell + 1) continue;
    PartStatistics& part = work.statistics[cell < 0 ? i : static_cast<int>(params.capacity) + cell];
    if (part.area > 0) visit(part);
  }
}

/// Gives every part its label: how many first pixels come before its own. By one block.
__device__ void number_parts(const Workspace& work, const Inputs& in, const MergeParams& params,
                             Shared<int, warps_a_block>& of_warp) {
  const int thread = static_cast<int>(threadIdx.x), w = params.grid.image.w, words_a_row = ceil_div(w, warp_size);
  const auto word_of = [&](int pixel) { return pixel / w * words_a_row + pixel % w / warp_size; };
  const auto bit_of = [&](int pixel) { return 1u << pixel % w % warp_size; };
  each_part(work, in, params, thread, threads_a_block, [&](PartStatistics& part) {
    atomic_or(&work.first_pixels[word_of(part.first)].bits, bit_of(part.first));
  });
  sync_block();
  const int words = params.grid.image.h * words_a_row, words_a_thread = ceil_div(words, threads_a_block);
  const int begin = min(thread * words_a_thread, words), end = min(begin + words_a_thread, words);
  int parts = 0;
  for (int word = begin; word < end; ++word) parts += count_ones(work.first_pixels[word].bits);
  int before = components::sum_before(parts, of_warp.data());
  for (int word = begin; word < end; ++word) {
    work.first_pixels[word].before = before;
    before += count_ones(work.first_pixels[word].bits);
  }
  if (thread == threads_a_block - 1) work.control->count = before;
  sync_block();
  each_part(work, in, params, thread, threads_a_block, [&](PartStatistics& part) {
    const RootWord word = work.first_pixels[word_of(part.first)];
    part.number = 1 + word.before + count_ones(word.bits & (bit_of(part.first) - 1));
  });
}

// A warp takes 32 pixels of a row, and each part among them costs one set of atomics. The last block to finish numbers
// the parts. PRECOND: the grid has a row of blocks for each row of the image, up to 65535.
__global__ void __launch_bounds__(threads_a_block) measure_parts(Workspace work, Inputs in, MergeParams params) {
  __shared__ Shared<int, warps_a_block> of_warp;
  __shared__ Shared<int, 1> is_last;
  wait_for_previous_kernel();
  const Extent image = params.grid.image;
  const int x = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  for (int y = static_cast<int>(blockIdx.y); y < image.h; y += static_cast<int>(gridDim.y)) {
    const int label = x < image.w ? in.labels[y * image.w + x] : 0;
    const int slot = slot_of(work, in, params, label, y, x);
    if (lane == 0 && x < image.w) work.first_pixels[y * ceil_div(image.w, warp_size) + x / warp_size].bits = 0;
    const unsigned same = match_lanes(static_cast<unsigned>(slot));
    const bool leads = lane == find_first_set(same) - 1;
    if (!leads || slot < 0) continue;
    // The leader is the first of its part's lanes.
    const int pixels = count_ones(same), last = x - lane + warp_size - 1 - count_leading_zeros(same);
    long long sum_x = static_cast<long long>(x - lane) * pixels;
    for (unsigned rest = same; rest != 0; rest &= rest - 1) sum_x += find_first_set(rest) - 1;
    PartStatistics& part = work.statistics[slot];
    atomic_min(&part.first, y * image.w + x);
    atomic_min(&part.left, x);
    atomic_max(&part.right, last);
    atomic_max(&part.bottom, y);
    atomic_add(&part.area, pixels);
    atomic_add(&part.sum_x, static_cast<unsigned long long>(sum_x));
    atomic_add(&part.sum_y, static_cast<unsigned long long>(y) * static_cast<unsigned long long>(pixels));
  }
  thread_fence();
  sync_block();
  const int blocks = static_cast<int>(gridDim.x * gridDim.y);
  if (threadIdx.x == 0) is_last[0] = atomic_add(&work.control->blocks_done, 1) == blocks - 1 ? 1 : 0;
  sync_block();
  if (is_last[0] == 0) return;
  thread_fence();
  number_parts(work, in, params, of_warp);
}

// A thread writes the label of a pixel, and all together the records, of which those past the count are zeroed.
__global__ void __launch_bounds__(threads_a_block)
    write_parts(std::int32_t* parts, ComponentCount* table, Workspace work, Inputs in, MergeParams params) {
  wait_for_previous_kernel();
  const int thread = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int threads = static_cast<int>(gridDim.x) * threads_a_block, w = params.grid.image.w;
  if (thread < params.grid.pixels()) {
    const int y = thread / w, x = thread - y * w;
    const int slot = slot_of(work, in, params, in.labels[thread], y, x);
    parts[thread] = slot < 0 ? 0 : work.statistics[slot].number;
  }
  auto* records = reinterpret_cast<ComponentRecord*>(table + 1);
  each_part(work, in, params, thread, threads, [&](const PartStatistics& part) {
    if (part.number > params.capacity) return;
    const int top = part.first / w;
    records[part.number - 1] = {part.left, top,
                                part.right - part.left + 1,
                                part.bottom - top + 1,
                                part.area, 0,
                                static_cast<std::int64_t>(part.sum_x),
                                static_cast<std::int64_t>(part.sum_y)};
  });
  const int count = work.control->count;
  for (std::int64_t record = count + std::int64_t{thread}; record < params.capacity; record += threads)
    records[record] = {};
  if (thread == 0) *table = {count, {}};
}

bool aligned(const void* p, std::uintptr_t bytes) {
  return reinterpret_cast<std::uintptr_t>(p) % bytes == 0;
}

}  // namespace

std::size_t workspace_bytes(const MergeParams& params) {
  return Sizes(params).sum();
}

void merge_basins(std::int32_t* parts, ComponentCount* table, void* workspace, const std::int32_t* labels,
                  const ComponentCount* regions, const std::int32_t* distances, const std::int32_t* basins,
                  const MergeParams& params, Stream stream) {
  const SplitGrid& grid = params.grid;
  PRECONDITION(is_valid(grid));
  PRECONDITION(params.depth >= 0 && params.depth <= 100 && params.least_peak >= 0 && params.least_peak <= 16384);
  PRECONDITION(params.capacity >= 0 && params.capacity <= grid.pixels());
  PRECONDITION(aligned(workspace, 16) && aligned(table, 8) && aligned(regions, 8) && parts != labels);
  const Workspace work = place(workspace, params);
  const Inputs in{labels, distances, basins, regions};
  const auto over = [&](Dim3 blocks) {
    return Launch{.grid = blocks, .block = {threads_a_block}, .overlap_previous = true, .stream = stream};
  };
  const int blocks = static_cast<int>(min(max(params.capacity, std::int64_t{1}), std::int64_t{max_merging_blocks}));
  launch(merge_in_components, over({blocks}), work, in, params);
  launch(measure_parts, over({ceil_div(grid.image.w, threads_a_block), min(grid.image.h, 65535)}), work, in, params);
  launch(write_parts, over({blocks_for(grid.pixels(), threads_a_block)}), parts, table, work, in, params);
}

Cost cost(const MergeParams& p) {
  const double records = 2.0 * (1.0 + static_cast<double>(p.capacity));
  return {.bytes = 2.0 * sizeof(std::int32_t) * (double(p.grid.pixels()) + p.grid.cells()) +
                   records * sizeof(ComponentRecord)};
}

}  // namespace giemsa::kernels
