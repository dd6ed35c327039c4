#include "kernels/cpu/layers/pool.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/cpu/ceil_div.h"
#include "kernels/cpu/layers/elementwise.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/windows.h"

#define GIEMSA_SIMD_LOOPS "kernels/cpu/layers/pool.simd.h"
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

namespace {

/// The most input rows that an output cell takes the mean of.
std::int64_t rows_per_cell(std::int64_t in, std::int64_t out) {
  return ceil_div(in, out) + 1;
}

}  // namespace

void max_pool(const Nhwc& dst, const Nhwc& src, const SlidingWindow& window) {
  with_element_type(src.element, [&]<class T>(T*) {
    const auto row_kernel = GIEMSA_SIMD_BEST(max_pool_row<T>);
    parallel_for(dst.n * dst.h, [&](std::int64_t row) { row_kernel(dst, src, window, row); });
  });
}

std::int64_t average_pool_scratch_floats(std::int64_t images, std::int64_t channels, Extent in, Extent out) {
  // A partial sum per input row of each output cell: rows are summed apart, then in order, so that the result does not
  // depend on the number of threads and rounding errors grow with h + w instead of h * w.
  return images * out.h * out.w * rows_per_cell(in.h, out.h) * channels;
}

void average_pool(const Nhwc& dst, const Nhwc& src, float* sums) {
  // One pixel per cell, as in AlexNet at the size that it is made for.
  if (src.h == dst.h && src.w == dst.w) return copy_pixels(dst, src);
  const std::int64_t rows = rows_per_cell(src.h, dst.h);
  const auto y0 = [&](std::int64_t oy) { return oy * src.h / dst.h; };
  const auto y1 = [&](std::int64_t oy) { return ((oy + 1) * src.h + dst.h - 1) / dst.h; };
  const auto x0 = [&](std::int64_t ox) { return ox * src.w / dst.w; };
  const auto x1 = [&](std::int64_t ox) { return ((ox + 1) * src.w + dst.w - 1) / dst.w; };

  const std::int64_t cells = dst.pixels();
  with_element_type(src.element, [&]<class T>(T*) {
    const auto sum_pixels = GIEMSA_SIMD_BEST(sum_pixels<T>);
    parallel_for(cells * rows, [&](std::int64_t job) {
      const std::int64_t cell = job / rows, ox = cell % dst.w, oy = cell / dst.w % dst.h, image = cell / dst.w / dst.h;
      const std::int64_t y = y0(oy) + job % rows;
      float* row_sums = sums + job * src.c;
      std::fill_n(row_sums, src.c, 0.0f);
      const std::int64_t row = (image * src.h + y) * src.w;
      if (y < y1(oy)) sum_pixels(row_sums, src, row + x0(ox), row + x1(ox));
    });
  });

  for (std::int64_t cell = 0; cell < cells; ++cell) {
    const std::int64_t ox = cell % dst.w, oy = cell / dst.w % dst.h;
    const auto count = static_cast<double>((y1(oy) - y0(oy)) * (x1(ox) - x0(ox)));
    for (std::int64_t c = 0; c < src.c; ++c) {
      double sum = 0;
      for (std::int64_t row = 0; row < rows; ++row) sum += sums[(cell * rows + row) * src.c + c];
      const auto mean = static_cast<float>(sum / count * src.scale);
      if (dst.element == Element::bf16)
        store(dst.pixel<Bf16>(cell)[c], mean);
      else
        store(dst.pixel<float>(cell)[c], mean);
    }
  }
}

}  // namespace giemsa::kernels::cpu
