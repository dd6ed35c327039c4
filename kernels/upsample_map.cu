// Bilinear upsampling of a feature map (see upsample_map.h). It moves in + out elements once and computes 3 flops of
// interpolation an output element along x and, shared by a column's outputs, as many along y: 45x36 to 180x144 with 256
// channels in fp16 are 0.8 MB + 13.3 MB and 30 MFLOP, 4 us of an H100's memory. So the stores limit it, if the
// instructions around them do not: four loads, eight conversions each and 48 flops for every 16 bytes stored would.
//
// Hence a thread makes the same 16 bytes of channels for 4 neighbours along x, and keeps the two input columns around
// it, already interpolated along y, in registers: a column that the next pixel shares is neither loaded nor
// interpolated again. At 4x a thread needs 3 columns for 4 pixels instead of 8. Threads of a warp are neighbours in the
// channels, then in x, so that loads and stores fill whole 128-byte lines and a warp of 256 channels does not diverge;
// output rows around an input row meet in the L2 cache.
#include "kernels/upsample_map.h"

#include "kernels/bilinear.h"
#include "kernels/channels.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 128, pixels_a_thread = 4;

/// a * weight_a + b * weight_b
template <class T, int n>
__device__ __forceinline__ Vec<float, n> blend(const Vec<T, n>& a, const Vec<T, n>& b, float weight_a, float weight_b) {
  Vec<float, n> result;
#pragma unroll
  for (int i = 0; i < n; ++i) result[i] = to_float(a[i]) * weight_a + to_float(b[i]) * weight_b;
  return result;
}

// A block makes 128 consecutive groups of 4 pixels by n channels, a thread one.
// PRECOND: p.channels is a multiple of n; for n > 1 is_vectorised() in and out; the number of groups + 128 fits an int.
template <class T, int n>
__global__ void __launch_bounds__(threads_a_block)
    upsample_kernel(T* __restrict__ out, const T* __restrict__ in, UpsampleParams p, BilinearAxis rows,
                    BilinearAxis columns) {
  wait_for_previous_kernel();
  const int vectors = p.channels / n, groups = ceil_div(p.out.w, pixels_a_thread);
  const int item = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
  const int channel = item % vectors * n, first_x = item / vectors % groups * pixels_a_thread;
  const int row = item / vectors / groups, image = row / p.out.h, y = row - image * p.out.h;
  if (image >= p.images) return;

  const auto tap_of = [&](const BilinearAxis& axis, int d) {
    return p.zero_outside ? zero_padded_tap(axis, d) : clamped_tap(axis, d);
  };
  const BilinearTap around_y = tap_of(rows, y);
  const T* map = in + static_cast<std::int64_t>(image) * p.in.h * p.in.w * p.input_pixel_stride + channel;
  const T* upper = map + static_cast<std::int64_t>(around_y.i0) * p.in.w * p.input_pixel_stride;
  const T* lower = map + static_cast<std::int64_t>(around_y.i1) * p.in.w * p.input_pixel_stride;
  const auto column = [&](int x) {
    const std::int64_t at = static_cast<std::int64_t>(x) * p.input_pixel_stride;
    return blend(load_constant<n>(upper + at), load_constant<n>(lower + at), around_y.w0, around_y.w1);
  };

  BilinearTap around = tap_of(columns, first_x);
  Vec<float, n> left = column(around.i0), right = column(around.i1);
  T* out_row = out + (static_cast<std::int64_t>(row) * p.out.w + first_x) * p.output_pixel_stride + channel;
#pragma unroll
  for (int i = 0; i < pixels_a_thread; ++i) {
    if (first_x + i >= p.out.w) break;
    if (i > 0) {
      const BilinearTap next = tap_of(columns, first_x + i);
      if (next.i0 != around.i0) left = next.i0 == around.i1 ? right : column(next.i0);
      if (next.i1 != around.i1) right = column(next.i1);
      around = next;
    }
    store(out_row + static_cast<std::int64_t>(i) * p.output_pixel_stride,
          round_to<T>(blend(left, right, around.w0, around.w1)));
  }
}

}  // namespace

template <class T>
void upsample(T* out, const T* in, const UpsampleParams& p, Stream stream) {
  PRECONDITION(p.images > 0 && p.channels > 0 && p.in.h > 0 && p.in.w > 0 && p.out.h > 0 && p.out.w > 0);
  PRECONDITION(p.input_pixel_stride >= p.channels && p.output_pixel_stride >= p.channels);
  const bool vectorised =
      is_vectorised(in, p.channels, p.input_pixel_stride) && is_vectorised(out, p.channels, p.output_pixel_stride);
  const std::int64_t groups = ceil_div(p.out.w, pixels_a_thread);
  const std::int64_t items = groups * p.images * p.out.h * (p.channels / (vectorised ? channels_a_vector<T> : 1));
  launch(vectorised ? upsample_kernel<T, channels_a_vector<T>> : upsample_kernel<T, 1>,
         {.grid = {blocks_for(items, threads_a_block)},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         out, in, p, bilinear_axis(p.in.h, p.out.h, p.align_corners), bilinear_axis(p.in.w, p.out.w, p.align_corners));
}

template void upsample(float*, const float*, const UpsampleParams&, Stream);
template void upsample(Half*, const Half*, const UpsampleParams&, Stream);

Cost cost(const UpsampleParams& p, int element_bytes) {
  const double in = double(p.in.h) * p.in.w, out = double(p.out.h) * p.out.w;
  const double channels = double(p.images) * p.channels;
  return {.bytes = (in + out) * channels * element_bytes, .flops = 3.0 * (out + double(p.out.h) * p.in.w) * channels};
}

}  // namespace giemsa::kernels
