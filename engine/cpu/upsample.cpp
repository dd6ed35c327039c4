#include "engine/cpu/upsample.h"

#include <omp.h>

#include <algorithm>
#include <cmath>

#include "engine/base/simd.h"
#include "engine/cpu/scratch.h"

namespace giemsa::cpu {

namespace {

/// The two samples around a source coordinate, and their weights.
struct Tap {
  std::int32_t i0, i1;
  float w0, w1;
};

/// Where output index `d` of an axis reads. PyTorch: area_pixel_compute_source_index and guard_index_and_lambda.
Tap tap_of(std::int64_t d, std::int64_t in, std::int64_t out, bool align_corners, EdgeMode edge) {
  const auto fin = static_cast<float>(in), fout = static_cast<float>(out), fd = static_cast<float>(d);
  const float scale = !align_corners ? fin / fout : out > 1 ? (fin - 1.0f) / (fout - 1.0f) : 0.0f;
  float source = align_corners ? scale * fd : scale * (fd + 0.5f) - 0.5f;
  const auto last = static_cast<std::int32_t>(in - 1);
  if (edge == EdgeMode::clamp) {
    source = std::max(source, 0.0f);
    const auto i0 = std::min(static_cast<std::int32_t>(source), last);
    const float w1 = std::min(source - static_cast<float>(i0), 1.0f);
    return {i0, std::min(i0 + 1, last), 1.0f - w1, w1};
  }
  const float floor = std::floor(source), w1 = source - floor;
  const auto i0 = static_cast<std::int32_t>(floor), i1 = i0 + 1;
  return {std::clamp(i0, 0, last), std::clamp(i1, 0, last), i0 >= 0 && i0 <= last ? 1.0f - w1 : 0.0f,
          i1 >= 0 && i1 <= last ? w1 : 0.0f};
}

/// The taps of a row as arrays, for vector gathers.
struct RowTaps {
  std::int32_t *i0, *i1;
  float *w0, *w1;
};

std::size_t row_taps_bytes(std::int64_t width) {
  return 2 * scratch_bytes_of<std::int32_t>(width) + 2 * scratch_bytes_of<float>(width);
}

RowTaps make_row_taps(std::int64_t in, std::int64_t out, bool align_corners, EdgeMode edge, Scratch& memory) {
  const RowTaps taps{memory.take<std::int32_t>(out), memory.take<std::int32_t>(out), memory.take<float>(out),
                     memory.take<float>(out)};
  for (std::int64_t x = 0; x < out; ++x) {
    const Tap tap = tap_of(x, in, out, align_corners, edge);
    taps.i0[x] = tap.i0;
    taps.i1[x] = tap.i1;
    taps.w0[x] = tap.w0;
    taps.w1[x] = tap.w1;
  }
  return taps;
}

/// `stride` is what lies between pixels of the input; those of the output touch.
template <class In>
GIEMSA_INLINE void widen(const RowTaps& taps, const In* in, std::int64_t width, std::int64_t inner, std::int64_t stride,
                         float* out) {
  if (inner == 1 && stride == 1) {
    for (std::int64_t x = 0; x < width; ++x)
      out[x] = load(in[taps.i0[x]]) * taps.w0[x] + load(in[taps.i1[x]]) * taps.w1[x];
    return;
  }
  for (std::int64_t x = 0; x < width; ++x) {
    const In *a = in + taps.i0[x] * stride, *b = in + taps.i1[x] * stride;
    const float w0 = taps.w0[x], w1 = taps.w1[x];
    for (std::int64_t c = 0; c < inner; ++c) out[x * inner + c] = load(a[c]) * w0 + load(b[c]) * w1;
  }
}

template <class Out>
GIEMSA_INLINE void blend(const float* a, const float* b, float w0, float w1, float factor, std::int64_t n, Out* out) {
  for (std::int64_t i = 0; i < n; ++i) store(out[i], (a[i] * w0 + b[i] * w1) * factor);
}

// widen_row interpolates a row along x; blend_rows two widened rows along y, times `factor`.
#define GIEMSA_ROWS(T)                                                                                          \
  GIEMSA_SIMD void widen_row(const RowTaps& taps, const T* in, std::int64_t width, std::int64_t inner,          \
                             std::int64_t stride, float* out) {                                                 \
    widen(taps, in, width, inner, stride, out);                                                                 \
  }                                                                                                             \
  GIEMSA_SIMD void blend_rows(const float* a, const float* b, float w0, float w1, float factor, std::int64_t n, \
                              T* out) {                                                                         \
    blend(a, b, w0, w1, factor, n, out);                                                                        \
  }
GIEMSA_ROWS(float)
GIEMSA_ROWS(Bf16)
GIEMSA_ROWS(std::uint8_t)
GIEMSA_ROWS(std::int8_t)
#undef GIEMSA_ROWS

/// Two widened input rows (of each of `planes` pictures), kept while output rows around them are made.
template <class In>
class WidenedRows {
 public:
  WidenedRows(const RowTaps& taps, const In* in, Size2 in_size, std::int64_t inner, std::int64_t stride,
              std::int64_t width, std::int64_t planes, float* memory)
      : taps_(taps), in_(in), in_size_(in_size), inner_(inner), stride_(stride), width_(width), planes_(planes) {
    for (int slot = 0; slot < 2; ++slot) rows_[slot] = memory + slot * planes * width * inner;
  }

  static std::int64_t floats(std::int64_t width, std::int64_t inner, std::int64_t planes) {
    return 2 * planes * width * inner;
  }

  /// Row `y` of all planes, widened: {planes, width, inner}. Neighbouring rows use different slots.
  const float* row(std::int64_t y) {
    const auto slot = static_cast<std::size_t>(y % 2);
    if (held_[slot] != y) {
      held_[slot] = y;
      for (std::int64_t p = 0; p < planes_; ++p)
        widen_row(taps_, in_ + (p * in_size_.h + y) * in_size_.w * stride_, width_, inner_, stride_,
                  rows_[slot] + p * width_ * inner_);
    }
    return rows_[slot];
  }

 private:
  const RowTaps& taps_;
  const In* in_;
  Size2 in_size_;
  std::int64_t inner_, stride_, width_, planes_;
  float* rows_[2];
  std::int64_t held_[2] = {-1, -1};
};

constexpr std::int64_t rows_a_task = 32;  // enough to reuse widened rows, few enough to share out unevenly fast cores

/// Calls task(memory, first_row, last_row, picture) for all stretches of rows of `pictures` pictures, with `floats`
/// floats for each thread: as many threads as OpenMP offers and the scratch can serve.
template <class Task>
void share_rows(std::int64_t pictures, std::int64_t rows, std::int64_t floats, std::span<std::byte> scratch,
                const Task& task) {
  const auto served = static_cast<std::int64_t>(scratch.size() / scratch_bytes_of<float>(floats));
  check(served > 0, ErrorKind::internal, "scratch of ", scratch.size(), " bytes is too small for an upsampled row");
  const int threads = static_cast<int>(std::min<std::int64_t>(served, omp_get_max_threads()));
  float* memory = Scratch(scratch).take<float>(threads * floats);
  const std::int64_t tasks = (rows + rows_a_task - 1) / rows_a_task;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (std::int64_t i = 0; i < pictures * tasks; ++i) {
    const std::int64_t first = i % tasks * rows_a_task;
    task(memory + omp_get_thread_num() * floats, first, std::min(first + rows_a_task, rows), i / tasks);
  }
}

std::span<std::byte> rest(std::span<std::byte> scratch, std::size_t used) {
  check(scratch.size() >= used, ErrorKind::internal, "scratch of ", scratch.size(), " bytes is smaller than ", used);
  return scratch.subspan(used);
}

/// Pixels of `inner` elements, `stride` apart.
template <class T>
struct Pixels {
  T* data;
  std::int64_t stride;
};

template <class In, class Out>
void upsample_any(const Upsample& op, Pixels<const In> in, Size2 in_size, ChannelLayout layout, Pixels<Out> out,
                  float factor, std::span<std::byte> scratch) {
  Scratch tables(scratch);
  const std::int64_t width = op.output.w, inner = layout.inner;
  const RowTaps taps = make_row_taps(in_size.w, width, op.align_corners, op.edge, tables);
  const std::int64_t pieces = out.stride == inner ? 1 : width, piece = width * inner / pieces;  // without gaps
  share_rows(layout.outer, op.output.h, WidenedRows<In>::floats(width, inner, 1), rest(scratch, row_taps_bytes(width)),
             [&](float* memory, std::int64_t first, std::int64_t last, std::int64_t picture) {
               const In* source = in.data + picture * in_size.h * in_size.w * in.stride;
               WidenedRows<In> rows(taps, source, in_size, inner, in.stride, width, 1, memory);
               for (std::int64_t y = first; y < last; ++y) {
                 const Tap tap = tap_of(y, in_size.h, op.output.h, op.align_corners, op.edge);
                 const float *a = rows.row(tap.i0), *b = rows.row(tap.i1);
                 Out* to = out.data + (picture * op.output.h + y) * width * out.stride;
                 for (std::int64_t i = 0; i < pieces; ++i)
                   blend_rows(a + i * piece, b + i * piece, tap.w0, tap.w1, factor, piece, to + i * out.stride);
               }
             });
}

/// What the deciding quantity of threshold() is compared with.
float limit_of(float threshold, std::int64_t channels) {
  const double odds = double{threshold} / (1.0 - double{threshold});
  return static_cast<float>(channels > 2 ? odds : std::log(odds));
}

/// Decides `n` pixels, whose logits are logit(channel, x).
template <class Logit>
GIEMSA_INLINE void decide(const Logit& logit, std::int64_t channels, std::int64_t n, float limit, std::uint8_t* mask) {
  if (channels == 1) {
    for (std::int64_t x = 0; x < n; ++x) mask[x] = logit(0, x) > limit;
  } else if (channels == 2) {
    for (std::int64_t x = 0; x < n; ++x) mask[x] = logit(1, x) - logit(0, x) > limit;
  } else {
    for (std::int64_t x = 0; x < n; ++x) {
      const float background = logit(0, x);
      float odds = 0.0f;
      for (std::int64_t c = 1; c < channels; ++c) odds += std::exp(logit(c, x) - background);
      mask[x] = odds > limit;
    }
  }
}

GIEMSA_SIMD void decide_plain(const float* logits, std::int64_t channels, std::int64_t stride, std::int64_t n,
                              float limit, std::uint8_t* mask) {
  decide([=](std::int64_t c, std::int64_t x) { return logits[c * stride + x]; }, channels, n, limit, mask);
}

/// Two widened rows {C, n}, blended with w0 and w1.
GIEMSA_SIMD void decide_blended(const float* a, const float* b, float w0, float w1, std::int64_t channels,
                                std::int64_t n, float limit, std::uint8_t* mask) {
  decide([=](std::int64_t c, std::int64_t x) { return a[c * n + x] * w0 + b[c * n + x] * w1; }, channels, n, limit,
         mask);
}

std::size_t threads_scratch(std::int64_t floats) {
  return static_cast<std::size_t>(omp_get_max_threads()) * scratch_bytes_of<float>(floats);
}

}  // namespace

std::size_t upsample_scratch_bytes(const Upsample& op, ChannelLayout layout) {
  return row_taps_bytes(op.output.w) + threads_scratch(WidenedRows<float>::floats(op.output.w, layout.inner, 1));
}

void upsample(const Upsample& op, const float* in, Size2 in_size, ChannelLayout layout, float* out,
              std::span<std::byte> scratch) {
  upsample_any<float, float>(op, {in, layout.inner}, in_size, layout, {out, layout.inner}, 1.0f, scratch);
}

void upsample(const Upsample& op, const Nhwc& dst, const Nhwc& src, std::span<std::byte> scratch) {
  with_element_type(src.dtype, [&]<class In>(In*) {
    with_element_type(dst.dtype, [&]<class Out>(Out*) {
      upsample_any<In, Out>(op, {src.pixel<In>(0), src.pixel_stride}, {src.h, src.w}, {src.n, src.c},
                            {dst.pixel<Out>(0), dst.pixel_stride}, src.scale / dst.scale, scratch);
    });
  });
}

std::size_t upsample_threshold_scratch_bytes(const UpsampleThreshold& op, std::int64_t channels) {
  return row_taps_bytes(op.output.w) + threads_scratch(WidenedRows<float>::floats(op.output.w, 1, channels));
}

void upsample_threshold(const UpsampleThreshold& op, const float* logits, std::int64_t channels, Size2 in_size,
                        std::uint8_t* mask, std::span<std::byte> scratch) {
  Scratch tables(scratch);
  const RowTaps taps = make_row_taps(in_size.w, op.output.w, op.align_corners, EdgeMode::clamp, tables);
  const std::int64_t width = op.output.w;
  const float limit = limit_of(op.threshold, channels);
  share_rows(1, op.output.h, WidenedRows<float>::floats(width, 1, channels), rest(scratch, row_taps_bytes(width)),
             [&](float* memory, std::int64_t first, std::int64_t last, std::int64_t) {
               WidenedRows<float> rows(taps, logits, in_size, 1, 1, width, channels, memory);
               for (std::int64_t y = first; y < last; ++y) {
                 const Tap tap = tap_of(y, in_size.h, op.output.h, op.align_corners, EdgeMode::clamp);
                 const float *a = rows.row(tap.i0), *b = rows.row(tap.i1);
                 decide_blended(a, b, tap.w0, tap.w1, channels, width, limit, mask + y * width);
               }
             });
}

void threshold(const Threshold& op, const float* logits, std::int64_t channels, std::int64_t pixels,
               std::uint8_t* mask) {
  constexpr std::int64_t block = 1 << 14;
  const float limit = limit_of(op.threshold, channels);
#pragma omp parallel for schedule(static)
  for (std::int64_t begin = 0; begin < pixels; begin += block)
    decide_plain(logits + begin, channels, pixels, std::min(block, pixels - begin), limit, mask + begin);
}

}  // namespace giemsa::cpu
