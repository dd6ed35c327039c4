#include "kernels/cpu/layers/upsample.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/ceil_div.h"
#include "kernels/cpu/layers/upsample_taps.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/scratch.h"

namespace giemsa::kernels::cpu {

namespace {

/// How logits become a mask: see threshold().
struct Decision {
  std::int64_t channels;
  float limit;  ///< what the deciding quantity is compared with
  ClassSet cells;
};

}  // namespace

}  // namespace giemsa::kernels::cpu

#define GIEMSA_SIMD_LOOPS "kernels/cpu/layers/upsample.simd.h"
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

namespace {

/// How rows are widened: interpolated along x.
struct Widening {
  RowTaps taps;
  Extent in;
  std::int64_t width, inner;  ///< pixels of a widened row, elements of a pixel
  std::int64_t stride;        ///< from a pixel of the input to the next
};

/// Two widened input rows (of each of `planes` planes), kept while output rows around them are computed.
template <class In>
class WidenedRows {
 public:
  WidenedRows(const Widening& widening, const In* in, std::int64_t planes, float* memory)
      : widening_(widening), in_(in), planes_(planes), widen_row_(GIEMSA_SIMD_BEST(widen_row<In>)) {
    for (int slot = 0; slot < 2; ++slot) rows_[slot] = memory + slot * planes * widening.width * widening.inner;
  }

  /// Row `y` of all planes, widened: {planes, width, inner}. Neighbouring rows use different slots.
  const float* row(std::int64_t y) {
    const auto slot = static_cast<std::size_t>(y % 2);
    if (held_[slot] != y) {
      held_[slot] = y;
      const auto& [taps, in, width, inner, stride] = widening_;
      for (std::int64_t p = 0; p < planes_; ++p)
        widen_row_(taps, in_ + (p * in.h + y) * in.w * stride, width, inner, stride, rows_[slot] + p * width * inner);
    }
    return rows_[slot];
  }

 private:
  const Widening& widening_;
  const In* in_;
  std::int64_t planes_;
  void (*widen_row_)(const RowTaps&, const In*, std::int64_t, std::int64_t, std::int64_t, float*);
  float* rows_[2];
  std::int64_t held_[2] = {-1, -1};
};

/// What a thread needs for two widened rows of `elements` elements.
std::int64_t widened_floats(std::int64_t elements) {
  return 2 * elements;
}

std::size_t scratch_of_all_threads(std::int64_t floats) {
  return static_cast<std::size_t>(max_threads()) * scratch_bytes_of<float>(floats);
}

constexpr std::int64_t rows_a_task = 32;  // enough to reuse widened rows, few enough to share out unevenly fast cores

/// Calls task(memory, first_row, last_row, image) for all stretches of rows of `images` images, with `floats` floats
/// for each thread: as many threads as there are and the scratch can serve.
template <class Task>
void share_rows(std::int64_t images, std::int64_t rows, std::int64_t floats, std::span<std::byte> scratch,
                const Task& task) {
  const auto served = static_cast<std::int64_t>(scratch.size() / scratch_bytes_of<float>(floats));
  require(served > 0, "the scratch memory is too small for an upsampled row");
  const int threads = static_cast<int>(std::min<std::int64_t>(served, max_threads()));
  float* memory = Scratch(scratch).take<float>(threads * floats);
  const std::int64_t tasks = ceil_div(rows, rows_a_task);
  parallel_for_with_scratch(images * tasks, threads, [&](std::int64_t i, int thread) {
    const std::int64_t first = i % tasks * rows_a_task;
    task(memory + thread * floats, first, std::min(first + rows_a_task, rows), i / tasks);
  });
}

/// What is left of the scratch behind the taps of a row.
std::span<std::byte> behind_taps(std::span<std::byte> scratch, std::int64_t width) {
  const std::size_t used = row_taps_bytes(width);
  require(scratch.size() >= used, "the scratch memory is too small for the taps of a row");
  return scratch.subspan(used);
}

template <class In, class Out>
void upsample_elements(const Nhwc& dst, const Nhwc& src, const UpsampleParams& params, std::span<std::byte> scratch) {
  Scratch tables(scratch);
  const RowTaps taps = make_row_taps(src.w, dst.w, params.align_corners, params.zero_edge, tables);
  const Widening widening{taps, {src.h, src.w}, dst.w, src.c, src.pixel_stride};
  // A row of an output without gaps between its pixels is one piece.
  const std::int64_t pieces = dst.pixel_stride == dst.c ? 1 : dst.w, piece = dst.w * dst.c / pieces;
  const float factor = src.scale / dst.scale;
  const auto blend = GIEMSA_SIMD_BEST(blend_rows<Out>);
  share_rows(src.n, dst.h, widened_floats(dst.w * src.c), behind_taps(scratch, dst.w),
             [&](float* memory, std::int64_t first, std::int64_t last, std::int64_t image) {
               WidenedRows<In> rows(widening, src.pixel<In>(image * src.h * src.w), 1, memory);
               for (std::int64_t y = first; y < last; ++y) {
                 const Tap tap = tap_of(y, src.h, dst.h, params.align_corners, params.zero_edge);
                 const float *a = rows.row(tap.i0), *b = rows.row(tap.i1);
                 Out* to = dst.pixel<Out>((image * dst.h + y) * dst.w);
                 for (std::int64_t i = 0; i < pieces; ++i)
                   blend(a + i * piece, b + i * piece, tap.w0, tap.w1, factor, piece, to + i * dst.pixel_stride);
               }
             });
}

/// What the deciding quantity of threshold() is compared with.
float limit_of(float threshold, std::int64_t channels) {
  const double odds = double{threshold} / (1.0 - double{threshold});
  return static_cast<float>(channels > 2 ? odds : std::log(odds));
}

}  // namespace

std::size_t upsample_scratch_bytes(std::int64_t width, std::int64_t channels) {
  return row_taps_bytes(width) + scratch_of_all_threads(widened_floats(width * channels));
}

void upsample(const Nhwc& dst, const Nhwc& src, const UpsampleParams& params, std::span<std::byte> scratch) {
  with_element_type(src.element, [&]<class In>(In*) {
    with_element_type(dst.element, [&]<class Out>(Out*) { upsample_elements<In, Out>(dst, src, params, scratch); });
  });
}

std::size_t upsample_threshold_scratch_bytes(const UpsampleThresholdParams& params) {
  return row_taps_bytes(params.out.w) + scratch_of_all_threads(widened_floats(params.out.w * params.channels));
}

void upsample_threshold(std::uint8_t* mask, const float* logits, const UpsampleThresholdParams& params,
                        std::span<std::byte> scratch) {
  const std::int64_t width = params.out.w, channels = params.channels;
  Scratch tables(scratch);
  const RowTaps taps = make_row_taps(params.in.w, width, params.align_corners, false, tables);
  const Widening widening{taps, params.in, width, 1, 1};
  const Decision decision{channels, limit_of(params.threshold, channels), params.cells};
  const auto decide = GIEMSA_SIMD_BEST(decide_blended);
  share_rows(1, params.out.h, widened_floats(width * channels), behind_taps(scratch, width),
             [&](float* memory, std::int64_t first, std::int64_t last, std::int64_t) {
               WidenedRows<float> rows(widening, logits, channels, memory);
               for (std::int64_t y = first; y < last; ++y) {
                 const Tap tap = tap_of(y, params.in.h, params.out.h, params.align_corners, false);
                 const float *a = rows.row(tap.i0), *b = rows.row(tap.i1);
                 decide(a, b, tap.w0, tap.w1, width, decision, mask + y * width);
               }
             });
}

void threshold(std::uint8_t* mask, const float* logits, std::int64_t channels, std::int64_t pixels, float threshold,
               ClassSet cells) {
  constexpr std::int64_t block = 1 << 14;
  const Decision decision{channels, limit_of(threshold, channels), cells};
  const auto decide = GIEMSA_SIMD_BEST(decide_plain);
  parallel_for(ceil_div(pixels, block), [&](std::int64_t i) {
    const std::int64_t begin = i * block;
    decide(logits + begin, pixels, std::min(block, pixels - begin), decision, mask + begin);
  });
}

}  // namespace giemsa::kernels::cpu
