// Three atrous depthwise convolutions of one input (aspp.h). They move 4 map elements per channel, one read and three
// written, and compute 54 flops for them: 6.7 flops a byte of fp16, so memory limits it. Three passes of depthwise()
// would read the input three times, and at rates of 12 and more neighbouring outputs share no taps that L1 still holds.
//
// So a block takes 32 bytes of channels (a sector per pixel) of a whole map into shared memory, by asynchronous
// copies, and all 27 taps read it there: 14x14 pixels are 6 KB, 45x36 are 52 KB. Consecutive threads are neighbours in
// the channels, then in x, so that shared memory is read without bank conflicts. A branch's nine weights stay in
// registers while a thread goes through its pixels. 2048 channels of fp16 make 128 blocks, about one per SM of an H100.
// Maps beyond 64 KB, which is what every GPU since Turing has, are read through the caches instead.
#include "kernels/aspp.h"

#include "kernels/channels.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256, vectors_a_block = 2, taps = 9;
constexpr std::size_t most_shared_bytes = 64 << 10;

template <class T>
struct AsppBranches {
  AsppBranch<T> branch[aspp_branches];
};

// A block makes all pixels of one image for two vectors of channels in three branches; a thread takes every 128th pixel
// for one vector. `staged` maps lie in shared memory as [pixel][2 vectors].
// PRECOND: is_vectorised() all tensors; staged: the launch has 32 bytes of shared memory a pixel.
template <class T, bool staged>
__global__ void __launch_bounds__(threads_a_block, 2)
    aspp_depthwise_kernel(AsppBranches<T> branches, const T* __restrict__ in, AsppParams p) {
  wait_for_previous_kernel();
  constexpr int n = channels_a_vector<T>;
  const int pixels = p.map.h * p.map.w, thread = static_cast<int>(threadIdx.x);
  const int first_channel = static_cast<int>(blockIdx.x) * vectors_a_block * n;
  const int channel = first_channel + thread % vectors_a_block * n;
  const bool active = channel < p.channels;  // the last block may have a vector less
  const std::int64_t first_pixel = static_cast<std::int64_t>(blockIdx.y) * pixels;
  constexpr int pixel_step = threads_a_block / vectors_a_block;

  const T* map = in + first_pixel * p.input_pixel_stride + channel;
  int map_stride = p.input_pixel_stride;
  if constexpr (staged) {
    T* shared = dynamic_shared<T>() + thread % vectors_a_block * n;
    if (active)
      for (int pixel = thread / vectors_a_block; pixel < pixels; pixel += pixel_step)
        copy_async<16>(shared + pixel * vectors_a_block * n, map + static_cast<std::int64_t>(pixel) * map_stride);
    commit_copies();
    wait_copies<0>();
    sync_block();
    map = shared;
    map_stride = vectors_a_block * n;
  }
  if (!active) return;

#pragma unroll  // a parameter indexed at run time would be copied to local memory
  for (int r = 0; r < aspp_branches; ++r) {
    const AsppBranch<T> branch = branches.branch[r];
    const int rate = p.rates[r];
    Channels<T> weights[taps];
#pragma unroll
    for (int tap = 0; tap < taps; ++tap) weights[tap] = load_constant<n>(branch.weights + tap * p.channels + channel);
    const ChannelSums<T> bias = load_bias<n>(branch.bias, channel);

#pragma unroll 1
    for (int pixel = thread / vectors_a_block; pixel < pixels; pixel += pixel_step) {
      const int y = pixel / p.map.w, x = pixel - y * p.map.w;
      ChannelSums<T> sums = bias;
#pragma unroll
      for (int tap = 0; tap < taps; ++tap) {
        const int in_y = y + (tap / 3 - 1) * rate, in_x = x + (tap % 3 - 1) * rate;
        if (in_y < 0 || in_y >= p.map.h || in_x < 0 || in_x >= p.map.w) continue;
        multiply_add(sums, load<n>(map + (static_cast<std::int64_t>(in_y) * p.map.w + in_x) * map_stride),
                     weights[tap]);
      }
      if (p.relu) relu(sums);
      store(branch.out + (first_pixel + pixel) * p.output_pixel_stride + channel, round_to<T>(sums));
    }
  }
}

}  // namespace

template <class T>
void aspp_depthwise(const AsppBranch<T> (&branches)[aspp_branches], const T* in, const AsppParams& p, Stream stream) {
  constexpr int most_pixels = 1 << 24, most_rate = 1 << 24, most_images = 65535;  // of a grid's second dimension
  PRECONDITION(p.images > 0 && p.images <= most_images && p.channels > 0 && p.map.h > 0 && p.map.w > 0);
  PRECONDITION(std::int64_t{p.map.h} * p.map.w <= most_pixels);
  PRECONDITION(is_vectorised(in, p.channels, p.input_pixel_stride));
  AsppBranches<T> all;
  for (int r = 0; r < aspp_branches; ++r) {
    const AsppBranch<T>& branch = all.branch[r] = branches[r];
    PRECONDITION(p.rates[r] > 0 && p.rates[r] <= most_rate);
    PRECONDITION(is_vectorised(branch.out, p.channels, p.output_pixel_stride));
    PRECONDITION(is_vectorised(branch.weights, p.channels, p.channels));
    PRECONDITION(is_vectorised(branch.bias, p.channels, p.channels));
  }

  const std::size_t map_bytes = std::size_t{16} * vectors_a_block * static_cast<std::size_t>(p.map.h * p.map.w);
  const bool staged = map_bytes <= most_shared_bytes;
  launch(staged ? aspp_depthwise_kernel<T, true> : aspp_depthwise_kernel<T, false>,
         {.grid = {ceil_div(p.channels, vectors_a_block * channels_a_vector<T>), p.images},
          .block = {threads_a_block},
          .shared_bytes = staged ? map_bytes : 0,
          .overlap_previous = true,
          .stream = stream},
         all, in, p);
}

template void aspp_depthwise(const AsppBranch<float> (&)[aspp_branches], const float*, const AsppParams&, Stream);
template void aspp_depthwise(const AsppBranch<Half> (&)[aspp_branches], const Half*, const AsppParams&, Stream);

Cost cost(const AsppParams& p, int element_bytes) {
  const double elements = double(p.images) * p.map.h * p.map.w * p.channels;
  return {.bytes = ((1.0 + aspp_branches) * elements + double(aspp_branches) * taps * p.channels) * element_bytes +
                   4.0 * aspp_branches * p.channels,
          .flops = 2.0 * aspp_branches * taps * elements};
}

}  // namespace giemsa::kernels
