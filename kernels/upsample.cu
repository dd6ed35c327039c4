// Bilinear upsampling and threshold (see upsample.h). With u = out_h out_w pixels and C classes it moves
// in_h in_w C logits and u mask bytes, and computes 9 C u flops and about 20 u for the coordinates: at 180x144x2 fp16
// to 720x576 that is 0.5 MB and 16 MFLOP, 0.2 us of an H100's memory. So latency limits it: launch, a dependent load, a
// store.
//
// A thread makes 4 consecutive pixels of the flat mask and stores them as one word, so that a warp fills whole 128-byte
// lines whatever the width. 4 rather than 16 (one 16-byte store) as 720x576 then still gives every SM of an H100 three
// blocks of 256 threads. The logits come through the read-only path: at 4x upsampling each serves 16 pixels from L1.
#include "kernels/upsample.h"

#include <cmath>

#include "kernels/bilinear.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 256, pixels_a_thread = 4;

/// Interpolated logits of one pixel.
template <class T>
struct Neighbours {
  const T *a, *b, *c, *d;  // (y0, x0), (y0, x1), (y1, x0), (y1, x1)
  BilinearTap y, x;

  __device__ float blend(float at_a, float at_b, float at_c, float at_d) const {
    return (at_a * x.w0 + at_b * x.w1) * y.w0 + (at_c * x.w0 + at_d * x.w1) * y.w1;
  }
  template <int n>
  __device__ Vec<float, n> logits(int first) const {
    const Vec<T, n> va = load_constant<n>(a + first), vb = load_constant<n>(b + first),
                    vc = load_constant<n>(c + first), vd = load_constant<n>(d + first);
    Vec<float, n> result{};
#pragma unroll
    for (int i = 0; i < n; ++i) result[i] = blend(to_float(va[i]), to_float(vb[i]), to_float(vc[i]), to_float(vd[i]));
    return result;
  }
};

/// The decision without the probability t:  C = 1: l0 > ln(t/(1-t));  C = 2: lcell - lother > ln(t/(1-t));
/// C > 2: sum over cells of exp(lc - m) > t/(1-t) times the sum over the others, whose greatest logit is m.
/// `fixed_channels` is C, or 0 where it is known only at run time.
template <int fixed_channels, class T>
__device__ bool decide(const Neighbours<T>& near, int channels, std::uint64_t cells, float limit) {
  if constexpr (fixed_channels == 1) {
    return near.template logits<1>(0)[0] > limit;
  } else if constexpr (fixed_channels == 2) {
    const Vec<float, 2> l = near.template logits<2>(0);
    return (cells & 1 ? l[0] - l[1] : l[1] - l[0]) > limit;
  } else {
    float greatest = -INFINITY;  // of the others
    for (int c = 0; c < channels; ++c) {
      const float l = near.template logits<1>(c)[0];
      if (!(cells >> c & 1) && !(l <= greatest)) greatest = l;
    }
    float odds = 0.0f, others = 0.0f;
    for (int c = 0; c < channels; ++c) {
      const float l = near.template logits<1>(c)[0], e = l == greatest ? 1.0f : expf(l - greatest);
      (cells >> c & 1 ? odds : others) += e;
    }
    return odds > limit * others;
  }
}

// A block makes 1024 consecutive pixels of the mask, a thread 4.
// PRECOND: out_h * out_w + 1024 fits an int; mask is aligned to 4 bytes; for two channels pixel_stride is even and
// logits are aligned to two elements.
template <class T, int fixed_channels>
__global__ void __launch_bounds__(threads_a_block)
    upsample_threshold_kernel(std::uint8_t* __restrict__ mask, const T* __restrict__ logits, UpsampleThresholdParams p,
                              BilinearAxis rows, BilinearAxis columns, float limit) {
  wait_for_previous_kernel();
  const int pixels = p.out_h * p.out_w;
  const int first = static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x) * pixels_a_thread;
  if (first >= pixels) return;

  int y = first / p.out_w, x = first - y * p.out_w;
  BilinearTap row = clamped_tap(rows, y);
  Vec<std::uint8_t, pixels_a_thread> result{};
#pragma unroll
  for (int i = 0; i < pixels_a_thread; ++i) {
    if (first + i >= pixels) break;
    const BilinearTap column = clamped_tap(columns, x);
    const auto at = [&](int iy, int ix) {
      return logits + (static_cast<std::int64_t>(iy) * p.in_w + ix) * p.pixel_stride;
    };
    const Neighbours<T> near{
        at(row.i0, column.i0), at(row.i0, column.i1), at(row.i1, column.i0), at(row.i1, column.i1), row, column};
    result[i] = decide<fixed_channels>(near, p.channels, p.cells, limit);
    if (++x == p.out_w) {
      x = 0;
      row = clamped_tap(rows, ++y);
    }
  }

  if (first + pixels_a_thread <= pixels) {
    store(mask + first, result);
  } else {
#pragma unroll
    for (int i = 0; i < pixels_a_thread; ++i)
      if (first + i < pixels) mask[first + i] = result[i];
  }
}

template <class T>
bool aligned(const T* p, std::uintptr_t bytes) {
  return reinterpret_cast<std::uintptr_t>(p) % bytes == 0;
}

template <class T>
void start(std::uint8_t* mask, const T* logits, const UpsampleThresholdParams& p, Stream stream) {
  PRECONDITION(p.in_h > 0 && p.in_w > 0 && p.out_h > 0 && p.out_w > 0);
  PRECONDITION(p.channels > 0 && p.channels <= 64 && p.pixel_stride >= p.channels);
  PRECONDITION(p.threshold > 0.0f && p.threshold < 1.0f);
  PRECONDITION(aligned(mask, 4));
  constexpr int pixels_a_block = threads_a_block * pixels_a_thread;
  const std::int64_t pixels = std::int64_t{p.out_h} * p.out_w;
  PRECONDITION(pixels <= (std::int64_t{1} << 31) - 1 - pixels_a_block);
  PRECONDITION(p.channels != 2 || (p.pixel_stride % 2 == 0 && aligned(logits, 2 * sizeof(T))));

  const double odds = double{p.threshold} / (1.0 - double{p.threshold});
  const auto limit = static_cast<float>(p.channels > 2 ? odds : std::log(odds));
  const auto kernel = p.channels == 1   ? upsample_threshold_kernel<T, 1>
                      : p.channels == 2 ? upsample_threshold_kernel<T, 2>
                                        : upsample_threshold_kernel<T, 0>;
  launch(kernel,
         {.grid = {static_cast<int>(ceil_div(pixels, std::int64_t{pixels_a_block}))},
          .block = {threads_a_block},
          .overlap_previous = true,
          .stream = stream},
         mask, logits, p, bilinear_axis(p.in_h, p.out_h, p.align_corners),
         bilinear_axis(p.in_w, p.out_w, p.align_corners), limit);
}

}  // namespace

void upsample_threshold(std::uint8_t* mask, const float* logits, const UpsampleThresholdParams& params, Stream stream) {
  start(mask, logits, params, stream);
}

void upsample_threshold(std::uint8_t* mask, const Half* logits, const UpsampleThresholdParams& params, Stream stream) {
  start(mask, logits, params, stream);
}

Cost cost(const UpsampleThresholdParams& p, int element_bytes) {
  const double pixels = double(p.out_h) * p.out_w;
  return {.bytes = double(p.in_h) * p.in_w * p.channels * element_bytes + pixels,
          .flops = pixels * (9.0 * p.channels + 20.0)};
}

}  // namespace giemsa::kernels
