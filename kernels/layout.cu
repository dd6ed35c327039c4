// NCHW to NHWC and back (see layout.h): transposes of {channels, pixels} an image. They move each element in and out
// once and compute nothing; they stand at the ends of a network, on a few hundred KB, where latency counts most.
//
// One side's neighbours are a map or a pixel apart on the other, so a block takes a tile of 32 channels by 64 pixels
// through shared memory and both sides are read and written along their own neighbours: 256 bytes of a map, 128 of a
// pixel (fp16: half of that). A row of the tile is one float longer than its pixels, so that 32 channels of a pixel lie
// in 32 banks. Where a picture has less channels or pixels than the tile, the threads are dealt out over what is there:
// 3 channels keep 192 of 256 threads busy. No 16-byte vectors: maps start anywhere (31x33), and a transposed vector
// would be scattered anyway.
#include "kernels/layout.h"

#include "kernels/channels.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256, tile_channels = 32, tile_pixels = 64;

/// The part of an image that a block makes, and where it begins on both sides (in elements).
struct Tile {
  int channels, pixels;
  std::int64_t in_nchw, in_nhwc;
};

__device__ __forceinline__ Tile tile_of_block(const LayoutParams& p) {
  const int map = p.map.h * p.map.w, image = static_cast<int>(blockIdx.z);
  const int channel = static_cast<int>(blockIdx.y) * tile_channels, pixel = static_cast<int>(blockIdx.x) * tile_pixels;
  return {min(tile_channels, p.channels - channel), min(tile_pixels, map - pixel),
          image * p.image_stride + static_cast<std::int64_t>(channel) * map + pixel,
          (static_cast<std::int64_t>(image) * map + pixel) * p.pixel_stride + channel};
}

/// Calls body(channel, pixel) for this thread's share of a tile; pixels are neighbours in a warp.
template <class Body>
__device__ __forceinline__ void along_pixels(const Tile& tile, const Body& body) {
  for (int i = static_cast<int>(threadIdx.x); i < tile.channels * tile.pixels; i += threads_a_block)
    body(i / tile.pixels, i % tile.pixels);
}
/// Likewise; channels are neighbours.
template <class Body>
__device__ __forceinline__ void along_channels(const Tile& tile, const Body& body) {
  for (int i = static_cast<int>(threadIdx.x); i < tile.channels * tile.pixels; i += threads_a_block)
    body(i % tile.channels, i / tile.channels);
}

// A block moves 64 pixels (blockIdx.x) of 32 channels (blockIdx.y) of an image (blockIdx.z), a thread every 256th
// element of them.
// PRECOND: p.image_stride is not 0; map.h * map.w + 64 fits an int.
template <class T>
__global__ void __launch_bounds__(threads_a_block)
    nchw_to_nhwc_kernel(T* __restrict__ out, const float* __restrict__ in, LayoutParams p) {
  wait_for_previous_kernel();
  __shared__ Shared<float, tile_channels, tile_pixels + 1> values;
  const Tile tile = tile_of_block(p);
  const std::int64_t map = p.map.h * p.map.w, pixel_stride = p.pixel_stride;
  along_pixels(tile,
               [&](int channel, int pixel) { values[channel][pixel] = in[tile.in_nchw + channel * map + pixel]; });
  sync_block();
  along_channels(tile, [&](int channel, int pixel) {
    out[tile.in_nhwc + pixel * pixel_stride + channel] = from_float<T>(values[channel][pixel]);
  });
}

// As above; and the blocks of an image share out what pads it.
template <class Out, class In>
__global__ void __launch_bounds__(threads_a_block)
    nhwc_to_nchw_kernel(Out* __restrict__ out, const In* __restrict__ in, LayoutParams p) {
  wait_for_previous_kernel();
  __shared__ Shared<float, tile_channels, tile_pixels + 1> values;
  const Tile tile = tile_of_block(p);
  const std::int64_t map = p.map.h * p.map.w, pixel_stride = p.pixel_stride;
  along_channels(tile, [&](int channel, int pixel) {
    values[channel][pixel] = to_float(in[tile.in_nhwc + pixel * pixel_stride + channel]);
  });
  sync_block();
  along_pixels(tile, [&](int channel, int pixel) {
    out[tile.in_nchw + channel * map + pixel] = from_float<Out>(values[channel][pixel]);
  });

  const std::int64_t block = blockIdx.y * gridDim.x + blockIdx.x, blocks = gridDim.x * gridDim.y;
  Out* image = out + blockIdx.z * p.image_stride;
  for (std::int64_t i = p.channels * map + block * threads_a_block + threadIdx.x; i < p.image_stride;
       i += blocks * threads_a_block)
    image[i] = from_float<Out>(0.0f);
}

LayoutParams checked(LayoutParams p) {
  constexpr int most_blocks = 65535;  // of a grid's second and third dimension
  PRECONDITION(p.images > 0 && p.images <= most_blocks && p.map.h > 0 && p.map.w > 0);
  PRECONDITION(p.channels > 0 && p.channels <= most_blocks * tile_channels && p.pixel_stride >= p.channels);
  const std::int64_t map = std::int64_t{p.map.h} * p.map.w;
  PRECONDITION(map <= (std::int64_t{1} << 31) - 1 - tile_pixels);
  if (p.image_stride == 0) p.image_stride = p.channels * map;
  PRECONDITION(p.image_stride >= p.channels * map);
  return p;
}

Launch tiles_of(const LayoutParams& p, Stream stream) {
  return {.grid = {ceil_div(p.map.h * p.map.w, tile_pixels), ceil_div(p.channels, tile_channels), p.images},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream};
}

}  // namespace

template <class T>
void nchw_to_nhwc(T* out, const float* in, const LayoutParams& params, Stream stream) {
  const LayoutParams p = checked(params);
  launch(nchw_to_nhwc_kernel<T>, tiles_of(p, stream), out, in, p);
}

template <class Out, class In>
void nhwc_to_nchw(Out* out, const In* in, const LayoutParams& params, Stream stream) {
  const LayoutParams p = checked(params);
  launch(nhwc_to_nchw_kernel<Out, In>, tiles_of(p, stream), out, in, p);
}

template void nchw_to_nhwc(float*, const float*, const LayoutParams&, Stream);
template void nchw_to_nhwc(Half*, const float*, const LayoutParams&, Stream);
template void nhwc_to_nchw(float*, const float*, const LayoutParams&, Stream);
template void nhwc_to_nchw(float*, const Half*, const LayoutParams&, Stream);
template void nhwc_to_nchw(Half*, const float*, const LayoutParams&, Stream);
template void nhwc_to_nchw(Half*, const Half*, const LayoutParams&, Stream);

Cost cost(const LayoutParams& p, int in_element_bytes, int out_element_bytes) {
  const double elements = double(p.images) * p.channels * p.map.h * p.map.w;
  return {.bytes = elements * (in_element_bytes + out_element_bytes), .flops = 0};
}

}  // namespace giemsa::kernels
