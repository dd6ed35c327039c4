#include "kernels/cpu/imaging/resize.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/imaging/resize_rows.h"

namespace giemsa::kernels::cpu {

namespace {

constexpr int fraction_bits = 22;
constexpr std::int32_t one_half = 1 << (fraction_bits - 1);

}  // namespace

}  // namespace giemsa::kernels::cpu

#define GIEMSA_SIMD_LOOPS "kernels/cpu/imaging/resize.simd.h"
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

namespace {

std::int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << fraction_bits);
  return static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

double triangle(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

/// Keys' cubic convolution kernel with a = -0.5.
double cubic(double x) {
  x = std::abs(x);
  if (x <= 1.0) return (1.5 * x - 2.5) * x * x + 1.0;
  if (x <= 2.0) return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0;
  return 0.0;
}

std::int32_t taps_of(std::int64_t in, std::int64_t out, ResizeFilter filter) {
  const double widening = std::max(1.0, static_cast<double>(in) / static_cast<double>(out));
  if (filter == ResizeFilter::bilinear) return static_cast<std::int32_t>(std::ceil(widening)) * 2 + 1;
  return std::min(static_cast<std::int32_t>(in), static_cast<std::int32_t>(std::ceil(4.0 * widening)) + 2);
}

/// The tables of an axis while they are written.
struct AxisTables {
  std::int32_t *first, *count, *weight;
};

void fill_bilinear(ResizeAxis axis, AxisTables tables) {
  const double scale = static_cast<double>(axis.in) / axis.out;
  const double support = std::max(1.0, scale), inverse = 1.0 / support;
  for (std::int32_t i = 0; i < axis.out; ++i) {
    const double center = (i + 0.5) * scale;
    const auto first = std::max(0, static_cast<std::int32_t>(center - support + 0.5));
    const auto count = std::min(axis.in, static_cast<std::int32_t>(center + support + 0.5)) - first;
    double sum = 0.0;
    for (std::int32_t t = 0; t < count; ++t) sum += triangle((t + first - center + 0.5) * inverse);
    std::int32_t* weight = tables.weight + std::int64_t{i} * axis.stride;
    for (std::int32_t t = 0; t < count; ++t) weight[t] = to_fixed(triangle((t + first - center + 0.5) * inverse) / sum);
    tables.first[i] = first;
    tables.count[i] = count;
  }
}

/// Reflects an index into [0, size), repeating the edge: -1 -> 0, size -> size - 1.
std::int32_t mirrored(std::int64_t index, std::int32_t size) {
  const std::int64_t period = 2 * std::int64_t{size};
  const std::int64_t phase = ((index % period) + period) % period;
  return static_cast<std::int32_t>(phase < size ? phase : period - 1 - phase);
}

void fill_bicubic(ResizeAxis axis, AxisTables tables) {
  const double scale = static_cast<double>(axis.out) / axis.in, shrink = std::min(1.0, scale);
  const double width = 4.0 / shrink;
  const auto taps = static_cast<std::int32_t>(std::ceil(width)) + 2;
  for (std::int32_t i = 0; i < axis.out; ++i) {
    const double center = (i + 1) / scale + 0.5 * (1.0 - 1.0 / scale) - 1.0;  // MATLAB's u, 0-based
    const auto left = static_cast<std::int64_t>(std::floor(center - width / 2));
    const auto kernel = [&](std::int32_t t) { return cubic((center - static_cast<double>(left + t)) * shrink); };
    double sum = 0.0;
    std::int32_t low = axis.in, high = 0;
    for (std::int32_t t = 0; t < taps; ++t) {
      const double value = kernel(t);
      if (value == 0.0) continue;
      sum += value;
      low = std::min(low, mirrored(left + t, axis.in));
      high = std::max(high, mirrored(left + t, axis.in));
    }
    std::int32_t* weight = tables.weight + std::int64_t{i} * axis.stride;
    std::fill(weight, weight + (high - low + 1), 0);
    for (std::int32_t t = 0; t < taps; ++t)
      if (const double value = kernel(t); value != 0.0)
        weight[mirrored(left + t, axis.in) - low] += to_fixed(value / sum);
    tables.first[i] = low;
    tables.count[i] = high - low + 1;
  }
}

std::size_t axis_bytes(std::int64_t in, std::int64_t out, ResizeFilter filter) {
  return 2 * scratch_bytes_of<std::int32_t>(out) + scratch_bytes_of<std::int32_t>(out * taps_of(in, out, filter));
}

ResizeAxis plan_axis(std::int64_t in, std::int64_t out, ResizeFilter filter, Scratch& memory) {
  constexpr std::int64_t limit = std::numeric_limits<std::int32_t>::max() / 8;
  require(in > 0 && out > 0 && in < limit && out < limit, "extents to resize between must be positive and below 2^28");
  ResizeAxis axis{static_cast<std::int32_t>(in), static_cast<std::int32_t>(out), taps_of(in, out, filter)};
  const AxisTables tables{memory.take<std::int32_t>(out), memory.take<std::int32_t>(out),
                          memory.take<std::int32_t>(out * axis.stride)};
  filter == ResizeFilter::bilinear ? fill_bilinear(axis, tables) : fill_bicubic(axis, tables);
  axis.first = tables.first;
  axis.count = tables.count;
  axis.weight = tables.weight;
  return axis;
}

void blend_row(const ResizeAxis& axis, const std::uint8_t* in, std::int64_t row_bytes, std::int32_t row, std::int64_t n,
               std::uint8_t* out) {
  GIEMSA_SIMD_BEST(blend_rows)
  (in + axis.first[row] * row_bytes, row_bytes, axis.weight + std::int64_t{row} * axis.stride, axis.count[row], n, out);
}

}  // namespace

std::size_t resize_plan_bytes(Extent in, Extent out, ResizeFilter filter) {
  return axis_bytes(in.w, out.w, filter) + axis_bytes(in.h, out.h, filter);
}

ResizePlan plan_resize(Extent in, Extent out, ResizeFilter filter, Scratch& tables) {
  // out.h / in.h <= out.w / in.w, without rounding
  const bool rows_shrink_most = out.h * in.w <= out.w * in.h;
  return {plan_axis(in.w, out.w, filter, tables), plan_axis(in.h, out.h, filter, tables),
          filter == ResizeFilter::bicubic && rows_shrink_most};
}

std::size_t resize_scratch_bytes(Extent in, Extent out) {
  return scratch_bytes_of<std::uint8_t>(std::max(in.h * out.w, out.h * in.w) * 3);
}

void resize_first_pass(const ResizePlan& plan, const std::uint8_t* rgb, std::int64_t row_bytes, std::int32_t row,
                       std::uint8_t* mid) {
  if (plan.vertical_first) {
    const std::int64_t mid_bytes = std::int64_t{plan.x.in} * 3;
    blend_row(plan.y, rgb, row_bytes, row, mid_bytes, mid + row * mid_bytes);
  } else {
    GIEMSA_SIMD_BEST(resample_row)(plan.x, rgb + row * row_bytes, mid + row * (std::int64_t{plan.x.out} * 3));
  }
}

void resize_second_pass(const ResizePlan& plan, const std::uint8_t* mid, std::int32_t row, std::uint8_t* out_row) {
  if (plan.vertical_first) {
    GIEMSA_SIMD_BEST(resample_row)(plan.x, mid + row * (std::int64_t{plan.x.in} * 3), out_row);
  } else {
    const std::int64_t mid_bytes = std::int64_t{plan.x.out} * 3;
    blend_row(plan.y, mid, mid_bytes, row, mid_bytes, out_row);
  }
}

void resize(const ResizePlan& plan, const std::uint8_t* rgb, std::int64_t row_bytes, std::uint8_t* out,
            std::span<std::byte> scratch) {
  resize_rows(plan, rgb, row_bytes, out, Scratch(scratch), [](std::int64_t, const std::uint8_t*) {});
}

}  // namespace giemsa::kernels::cpu
