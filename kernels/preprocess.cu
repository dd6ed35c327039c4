// Resampling and normalisation in one pass (see preprocess.h). With t = taps an axis, it moves the frame once and the
// output once: 720x576 to 224x224 in fp16 are 1.2 MB + 0.3 MB, half a microsecond of an H100's memory, against
// 2 t (in.h out.w + out.h out.w) 3 = 9 M integer operations: latency limits it, and the byte loads of the first pass.
//
// A block makes a tile of the output: the first pass puts the part of the picture between the passes that the tile
// needs into shared memory (u8), the second takes it from there, so that it never reaches global memory. The tile is 32
// long on the axis resampled first and 8 on the other; of 8 outputs' taps on the second axis, neighbouring tiles share
// about 2 scale rows, which both compute (a quarter at scale 3.2). The same kernel serves both orders of the axes: it
// knows a first and a second one and their strides, not x and y.
#include "kernels/preprocess.h"

#include "kernels/resample.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256, tile_first = 32, most_tile_second = 8, unroll = 4;
constexpr std::size_t most_shared_bytes = 48 << 10;

/// Elements (bytes of the frame; pixels of the output) from one sample to the next along an axis.
struct AxisStrides {
  int in, out;
};

// A block makes 32 outputs on the first axis (blockIdx.x) by `tile_second` on the second (blockIdx.y); a thread, every
// 256th sample between the passes, then every 256th output.
// PRECOND: the launch has 3 bytes of shared memory for each of 32 outputs of the first axis and each sample of the
// second that the tile's taps reach.
template <class T>
__global__ void __launch_bounds__(threads_a_block)
    preprocess_kernel(T* __restrict__ out, const std::uint8_t* __restrict__ frame, ResampleAxis first,
                      ResampleAxis second, AxisStrides first_strides, AxisStrides second_strides, Normalise normalise,
                      int tile_second) {
  wait_for_previous_kernel();
  std::uint8_t* mid = dynamic_shared<std::uint8_t>();  // [sample on the second axis][output on the first][channel]
  const int thread = static_cast<int>(threadIdx.x);
  const int first_begin = static_cast<int>(blockIdx.x) * tile_first;
  const int second_begin = static_cast<int>(blockIdx.y) * tile_second;
  const int second_end = min(second_begin + tile_second, second.out);
  const SampleRange range = samples_of(second, second_begin, second_end);

  for (int item = thread; item < (range.end - range.begin) * tile_first; item += threads_a_block) {
    const int i = first_begin + item % tile_first, v = range.begin + item / tile_first;
    if (i >= first.out) continue;
    const std::int64_t at =
        static_cast<std::int64_t>(v) * second_strides.in + static_cast<std::int64_t>(first.first[i]) * first_strides.in;
    const Rgb rgb = resample<unroll>(first, i, frame + at, first_strides.in);
#pragma unroll
    for (int c = 0; c < 3; ++c) mid[item * 3 + c] = rgb.channel[c];
  }
  sync_block();

  for (int item = thread; item < (second_end - second_begin) * tile_first; item += threads_a_block) {
    const int column = item % tile_first, i = first_begin + column, v = second_begin + item / tile_first;
    if (i >= first.out) continue;
    const std::uint8_t* samples = mid + ((second.first[v] - range.begin) * tile_first + column) * 3;
    const Rgb rgb = resample<unroll>(second, v, samples, tile_first * 3);
    T* pixel =
        out + (static_cast<std::int64_t>(v) * second_strides.out + static_cast<std::int64_t>(i) * first_strides.out) *
                  normalise.output_pixel_stride;
    store_pixel(pixel, normalised<T>(rgb, normalise), normalise);
  }
}

/// Samples between the passes that `outputs` consecutive outputs of an axis may need: the windows' starts are at most
/// (outputs - 1) in/out apart, rounded up, and one more where a bicubic window leaves out samples of weight zero.
int most_samples(const ResampleAxis& axis, int outputs) {
  const std::int64_t apart = ceil_div(std::int64_t{outputs - 1} * axis.in, std::int64_t{axis.out}) + 1;
  return static_cast<int>(min(apart + axis.stride, std::int64_t{axis.in}));
}

bool is_table(const ResampleAxis& axis) {
  constexpr int most = (1 << 28) - 1;
  return axis.in > 0 && axis.in <= most && axis.out > 0 && axis.out <= most && axis.stride > 0 && axis.first &&
         axis.count && axis.weight;
}

}  // namespace

template <class T>
void preprocess(T* out, const std::uint8_t* frame, const PreprocessParams& p, Stream stream) {
  PRECONDITION(is_table(p.x) && is_table(p.y) && p.output_pixel_stride >= 3);
  const ResampleAxis &first = p.vertical_first ? p.y : p.x, &second = p.vertical_first ? p.x : p.y;
  const AxisStrides along_x{3, 1}, along_y{3 * p.x.in, p.x.out};

  const auto shared_bytes = [&](int outputs) {
    return std::size_t{3} * tile_first * static_cast<std::size_t>(most_samples(second, outputs));
  };
  int tile_second = most_tile_second;
  while (tile_second > 1 && shared_bytes(tile_second) > most_shared_bytes) tile_second /= 2;
  PRECONDITION(shared_bytes(tile_second) <= most_shared_bytes);
  const int tiles_second = ceil_div(second.out, tile_second);
  PRECONDITION(tiles_second <= 65535);  // of a grid's second dimension

  launch(preprocess_kernel<T>,
         {.grid = {ceil_div(first.out, tile_first), tiles_second},
          .block = {threads_a_block},
          .shared_bytes = shared_bytes(tile_second),
          .overlap_previous = true,
          .stream = stream},
         out, frame, first, second, p.vertical_first ? along_y : along_x, p.vertical_first ? along_x : along_y,
         normalise_into(out, p), tile_second);
}

template void preprocess(float*, const std::uint8_t*, const PreprocessParams&, Stream);
template void preprocess(Half*, const std::uint8_t*, const PreprocessParams&, Stream);

Cost cost(const PreprocessParams& p, int element_bytes) {
  const double out = double(p.y.out) * p.x.out;
  const double mid = p.vertical_first ? double(p.y.out) * p.x.in : double(p.y.in) * p.x.out;
  const double mid_taps = p.vertical_first ? p.y.stride : p.x.stride,
               out_taps = p.vertical_first ? p.x.stride : p.y.stride;
  return {.bytes = 3.0 * p.y.in * p.x.in + out * p.output_pixel_stride * element_bytes,
          .flops = 3.0 * (2.0 * mid_taps * mid + 2.0 * out_taps * out + 3.0 * out)};
}

}  // namespace giemsa::kernels
