// Crops of a frame, resampled and normalised (see crop_resize.h). 16 boxes of 60 to 200 pixels to 224x224 are 2 MB at
// most in and 13 MB out in fp16 of 8 channels, 4 us of an H100's memory, against 10 to 20 M integer multiply-adds (2 to
// 4 taps an axis): latency and the writes limit it. Two launches, for all boxes at once:
//
// 1. The tables: a thread an output of an axis, which adds its weights up one after the other as the CPU does, in
//    double. A 224x224 picture takes 448 of them; if each tile of the second kernel made those it needs, they would be
//    made 17 times, on consumer GPUs at a 64th of the throughput in fp32.
// 2. The pixels: a block makes a tile of 32 x 8 of a picture, in both orders of the axes; a 224x224 picture is 196
//    blocks, enough for a GPU of 132 SMs even for a single box. The first pass puts samples into shared memory (u8),
//    the second sums them up in registers, one thread per output. A lane is a column in both passes, whichever axis is
//    first: neighbours in memory.
//
// What the second pass reads of a large box would not fit: 8 rows of 8000 -> 224 reach more than 320 samples, and
// shared memory sized for the worst would hold blocks back from an SM where all boxes are small. So the samples pass
// through 3 KB in chunks: 32 rows or 128 columns at a time. Up to a box of 2.5 times the output's size there is one
// chunk. Sums are of integers, so that chunks change nothing.
#include "kernels/crop_resize.h"

#include "kernels/resample.h"
#include "kernels/resample_weights.h"

namespace giemsa::kernels {

namespace {

constexpr int tile_w = warp_size, tile_h = 8, tile_pixels = tile_w * tile_h;
constexpr int mid_pixels = 4 * tile_pixels;  // of the picture between the passes, at a time
constexpr int unroll = 2;          // of taps, of which a crop that grows has 2 to 4; 4 spilled registers on Hopper
constexpr int table_threads = 64;  // small, so that the outputs of a few boxes reach many SMs
constexpr int most_boxes = 65535;  // a grid's extent along y and z

struct Geometry {
  Extent frame, out;
  bool grow;
  CropFilter filter;
  std::int64_t x_words, y_words;  ///< of a box's tables, for the largest box
};

/// The most samples that an output of an axis takes. Grows with `in`.
constexpr int most_taps(int in, int out, CropFilter filter) {
  if (filter == CropFilter::bilinear) return 2 * max(ceil_div(in, out), 1) + 1;
  const std::int64_t support = ceil_div(std::int64_t{4} * max(in, out), std::int64_t{out});
  return static_cast<int>(min(support + 2, std::int64_t{in}));
}

/// An axis' table in the workspace: first[out], count[out], weight[out][most_taps].
constexpr std::int64_t table_words(int in, int out, CropFilter filter) {
  return std::int64_t{out} * (2 + most_taps(in, out, filter));
}

__device__ ResampleAxis axis_at(const std::int32_t* table, int in, int out, CropFilter filter) {
  return {in, out, most_taps(in, out, filter), table, table + out, table + 2 * out};
}

/// What the box takes of the frame; {} where that is nothing.
__device__ CropBox crop_of(const CropBox& box, const Geometry& g) {
  const std::int64_t left = max(box.x, 0), top = max(box.y, 0);
  const std::int64_t right = min(std::int64_t{box.x} + box.w + g.grow, std::int64_t{g.frame.w});
  const std::int64_t bottom = min(std::int64_t{box.y} + box.h + g.grow, std::int64_t{g.frame.h});
  if (box.w <= 0 || box.h <= 0 || left >= right || top >= bottom) return {};
  return {static_cast<std::int32_t>(left), static_cast<std::int32_t>(top), static_cast<std::int32_t>(right - left),
          static_cast<std::int32_t>(bottom - top)};
}

// A block makes the tables' entries for 64 outputs, columns and then rows, of box blockIdx.y; a thread, an output's.
// PRECOND: boxes are at most as many as the grid is high; tables has x_words + y_words for each.
__global__ void __launch_bounds__(table_threads)
    tables_kernel(std::int32_t* __restrict__ tables, const CropBox* __restrict__ boxes, Geometry g) {
  wait_for_previous_kernel();
  const CropBox crop = crop_of(boxes[blockIdx.y], g);
  const int item = static_cast<int>(blockIdx.x) * table_threads + static_cast<int>(threadIdx.x);
  if (crop.w == 0 || item >= g.out.w + g.out.h) return;
  const bool along_x = item < g.out.w;
  const int in = along_x ? crop.w : crop.h, out = along_x ? g.out.w : g.out.h;
  const int i = along_x ? item : item - g.out.w;

  std::int32_t* table = tables + blockIdx.y * (g.x_words + g.y_words) + (along_x ? 0 : g.x_words);
  std::int32_t* weight = table + 2 * out + static_cast<std::int64_t>(i) * most_taps(in, out, g.filter);
  const SampleRange range =
      g.filter == CropFilter::bilinear ? make_bilinear(weight, in, out, i) : make_bicubic(weight, in, out, i);
  table[i] = range.begin;
  table[out + i] = range.end - range.begin;
}

/// The thread's pixel of the block's tile. `crop` is the crop's first pixel; all threads of the block take part, and
/// those without a pixel return what means nothing.
template <bool rows_first>
__device__ Rgb resample_tile(std::uint8_t* mid, const std::uint8_t* crop, int row_bytes, const ResampleAxis& x,
                             const ResampleAxis& y) {
  // mid is a part of a picture: for a tile's rows all columns that they reach, or the other way round.
  constexpr int mid_w = rows_first ? mid_pixels / tile_h : tile_w, mid_h = mid_pixels / mid_w;
  constexpr int chunk = rows_first ? mid_w : mid_h, tile_second = rows_first ? tile_w : tile_h;
  const ResampleAxis &first = rows_first ? y : x, &second = rows_first ? x : y;
  const int first_step = rows_first ? row_bytes : 3, second_step = rows_first ? 3 : row_bytes;
  const int lane = static_cast<int>(threadIdx.x) % tile_w, warp = static_cast<int>(threadIdx.x) / tile_w;
  const int tile_x = static_cast<int>(blockIdx.x) * tile_w, tile_y = static_cast<int>(blockIdx.y) * tile_h;
  const int first_begin = rows_first ? tile_y : tile_x, second_begin = rows_first ? tile_x : tile_y;

  const SampleRange range = samples_of(second, second_begin, min(second_begin + tile_second, second.out));
  const bool has_pixel = tile_x + lane < x.out && tile_y + warp < y.out;
  const int output = second_begin + (rows_first ? lane : warp);
  const SampleRange own =
      has_pixel ? SampleRange{second.first[output], second.first[output] + second.count[output]} : SampleRange{0, 0};
  const std::int32_t* weight = second.weight + static_cast<std::int64_t>(output) * second.stride;

  RgbSums sums;
  for (int begin = range.begin; begin < range.end; begin += chunk) {
    if (begin > range.begin) sync_block();  // the chunk before has been read
    const int end = min(begin + chunk, range.end);
    const int w = rows_first ? end - begin : tile_w, h = rows_first ? tile_h : end - begin;
    for (int v = warp; v < h; v += tile_h)
      for (int u = lane; u < w; u += tile_w) {
        const int i = first_begin + (rows_first ? v : u), sample = begin + (rows_first ? u : v);
        if (i >= first.out) continue;
        const std::int64_t at =
            static_cast<std::int64_t>(sample) * second_step + static_cast<std::int64_t>(first.first[i]) * first_step;
        const Rgb rgb = resample<unroll>(first, i, crop + at, first_step);
#pragma unroll
        for (int c = 0; c < 3; ++c) mid[(v * mid_w + u) * 3 + c] = rgb.channel[c];
      }
    sync_block();
    const int from = max(begin, own.begin), taps = min(end, own.end) - from;
    const int at = rows_first ? warp * mid_w + from - begin : (from - begin) * mid_w + lane;
    if (taps > 0) sums.add<unroll>(weight + (from - own.begin), taps, mid + at * 3, rows_first ? 3 : 3 * mid_w);
  }
  return sums.rounded();
}

// A block makes a tile of 32 x 8 pixels of box blockIdx.z's picture: one warp per row, one thread per pixel.
// PRECOND: the tables are those of tables_kernel for the same boxes and geometry.
template <class T>
__global__ void __launch_bounds__(tile_pixels)
    crop_resize_kernel(T* __restrict__ out, const std::int32_t* __restrict__ tables,
                       const std::uint8_t* __restrict__ frame, const CropBox* __restrict__ boxes, Geometry g,
                       Normalise normalise) {
  wait_for_previous_kernel();
  __shared__ Shared<std::uint8_t, 3 * mid_pixels> mid;
  const int column = static_cast<int>(blockIdx.x) * tile_w + static_cast<int>(threadIdx.x) % tile_w;
  const int row = static_cast<int>(blockIdx.y) * tile_h + static_cast<int>(threadIdx.x) / tile_w;
  const bool has_pixel = column < g.out.w && row < g.out.h;
  const std::int64_t index = (static_cast<std::int64_t>(blockIdx.z) * g.out.h + row) * g.out.w + column;
  T* pixel = out + index * normalise.output_pixel_stride;

  const CropBox crop = crop_of(boxes[blockIdx.z], g);
  if (crop.w == 0) {
    if (has_pixel) store_pixel(pixel, Channels<T>{}, normalise);
    return;
  }
  const std::int32_t* table = tables + blockIdx.z * (g.x_words + g.y_words);
  const ResampleAxis x = axis_at(table, crop.w, g.out.w, g.filter);
  const ResampleAxis y = axis_at(table + g.x_words, crop.h, g.out.h, g.filter);
  // out.h / crop.h <= out.w / crop.w, without rounding
  const bool rows_first =
      g.filter == CropFilter::bicubic && std::int64_t{g.out.h} * crop.w <= std::int64_t{g.out.w} * crop.h;
  const int row_bytes = 3 * g.frame.w;
  const std::uint8_t* corner = frame + static_cast<std::int64_t>(crop.y) * row_bytes + crop.x * 3;
  const Rgb rgb = rows_first ? resample_tile<true>(mid.data(), corner, row_bytes, x, y)
                             : resample_tile<false>(mid.data(), corner, row_bytes, x, y);
  if (has_pixel) store_pixel(pixel, normalised<T>(rgb, normalise), normalise);
}

bool is_picture(Extent size) {
  constexpr int most = (1 << 28) - 1;
  return size.w > 0 && size.w <= most && size.h > 0 && size.h <= most;
}

Geometry geometry_of(const CropResizeParams& p) {
  PRECONDITION(p.boxes > 0 && p.boxes <= most_boxes && is_picture(p.frame) && is_picture(p.out));
  return {p.frame,
          p.out,
          p.grow,
          p.filter,
          table_words(p.frame.w, p.out.w, p.filter),
          table_words(p.frame.h, p.out.h, p.filter)};
}

}  // namespace

std::size_t workspace_bytes(const CropResizeParams& params) {
  const Geometry g = geometry_of(params);
  return sizeof(std::int32_t) * static_cast<std::size_t>(params.boxes) *
         static_cast<std::size_t>(g.x_words + g.y_words);
}

template <class T>
void crop_resize(T* out, void* workspace, const std::uint8_t* frame, const CropBox* boxes, const CropResizeParams& p,
                 Stream stream) {
  const Geometry g = geometry_of(p);
  PRECONDITION(p.output_pixel_stride >= 3);
  PRECONDITION(reinterpret_cast<std::uintptr_t>(workspace) % alignof(std::int32_t) == 0);
  const int tiles_y = ceil_div(p.out.h, tile_h);
  PRECONDITION(tiles_y <= 65535);  // of a grid's second dimension

  auto* tables = static_cast<std::int32_t*>(workspace);
  launch(tables_kernel,
         {.grid = {ceil_div(p.out.w + p.out.h, table_threads), p.boxes},
          .block = {table_threads},
          .overlap_previous = true,
          .stream = stream},
         tables, boxes, g);
  launch(crop_resize_kernel<T>,
         {.grid = {ceil_div(p.out.w, tile_w), tiles_y, p.boxes},
          .block = {tile_pixels},
          .overlap_previous = true,
          .stream = stream},
         out, tables, frame, boxes, g, normalise_into(out, p));
}

template void crop_resize(float*, void*, const std::uint8_t*, const CropBox*, const CropResizeParams&, Stream);
template void crop_resize(Half*, void*, const std::uint8_t*, const CropBox*, const CropResizeParams&, Stream);

Cost cost(const CropResizeParams& p, int element_bytes) {
  const double pixels = double(p.boxes) * p.out.h * p.out.w, taps = p.filter == CropFilter::bilinear ? 2.0 : 4.0;
  return {.bytes = pixels * (3.0 + double(p.output_pixel_stride) * element_bytes),
          .flops = 3.0 * pixels * (2.0 * taps + 2.0 * taps + 3.0)};
}

}  // namespace giemsa::kernels
