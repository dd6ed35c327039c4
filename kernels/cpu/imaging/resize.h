// Antialiased separable resampling of RGB images (u8, interleaved), as Pillow and MATLAB do it.
//
//   out[y][x] = clip(round(sum_t wy[y][t] * mid[first_y[y] + t][x])),  mid = the same along x
//
// Each pass rounds to u8. Weights are fixed-point with 22 fraction bits, as in Pillow's 8-bit path, so that every
// backend gives the same bytes.
//
// bilinear  Pillow's Image.resize(BILINEAR): the triangle of half-width max(1, in/out), cut off at the image's edge and
//           normalised; horizontal pass first. Source: Pillow, src/libImaging/Resample.c.
// bicubic   MATLAB's imresize: Keys' cubic (a = -0.5), widened by in/out when shrinking, centred at
//           u = x/scale + 0.5 (1 - 1/scale) in 1-based coordinates, normalised, reading past the edge in a mirror that
//           repeats the edge pixel; the axis of the smaller scale first, rows (vertical) first on a tie. Source:
//           MATLAB's imresize.m (contributions(), dimension order). Its arithmetic is double; ours differs by one level
//           where the exact value is within taps * 255 * 2^-23 of a rounding boundary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/nhwc.h"
#include "kernels/cpu/scratch.h"

namespace giemsa::kernels::cpu {

enum class ResizeFilter : std::uint8_t { bilinear, bicubic };

/// The weights of one axis: output i is the sum over t < count[i] of weight[i * stride + t] * input[first[i] + t], in
/// units of 2^-22.
struct ResizeAxis {
  std::int32_t in = 0, out = 0, stride = 0;
  const std::int32_t* first = nullptr;
  const std::int32_t* count = nullptr;
  const std::int32_t* weight = nullptr;
};

/// How to resample a image of y.in x x.in pixels to y.out x x.out. A view: its tables live in the scratch it was made
/// in.
struct ResizePlan {
  ResizeAxis x, y;
  bool vertical_first = false;
};

/// Bytes of tables that plan_resize() takes; grows with `in`, so that the scratch of an image is enough for any part of
/// it.
std::size_t resize_plan_bytes(Extent in, Extent out, ResizeFilter filter);

/// Throws std::invalid_argument unless all extents are positive and `tables` is large enough.
ResizePlan plan_resize(Extent in, Extent out, ResizeFilter filter, Scratch& tables);

/// Bytes of scratch that resize() takes for the image between the passes; grows with `in`.
std::size_t resize_scratch_bytes(Extent in, Extent out);

/// The passes, a row at a time. Pass one makes row `row` of the image between the passes (`mid`); pass two makes row
/// `row` of the result.
void resize_first_pass(const ResizePlan& plan, const std::uint8_t* rgb, std::int64_t row_bytes, std::int32_t row,
                       std::uint8_t* mid);
void resize_second_pass(const ResizePlan& plan, const std::uint8_t* mid, std::int32_t row, std::uint8_t* out_row);

/// Resamples the image at `rgb` (rows `row_bytes` apart) into `out` {y.out, x.out, 3}; resize_rows.h does so with work
/// to follow per row.
void resize(const ResizePlan& plan, const std::uint8_t* rgb, std::int64_t row_bytes, std::uint8_t* out,
            std::span<std::byte> scratch);

}  // namespace giemsa::kernels::cpu
