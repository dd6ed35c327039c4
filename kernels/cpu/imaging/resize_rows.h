// Resampling, and what becomes of each row while it is in the cache.
#pragma once

#include "kernels/cpu/imaging/resize.h"
#include "kernels/cpu/parallel.h"

namespace giemsa::kernels::cpu {

/// Resamples the image at `rgb` (rows `row_bytes` apart) into `out` {y.out, x.out, 3} and calls finish(y, row) as
/// each row is done, on the thread that made it.
template <class Finish>
void resize_rows(const ResizePlan& plan, const std::uint8_t* rgb, std::int64_t row_bytes, std::uint8_t* out,
                 Scratch scratch, const Finish& finish) {
  const std::int64_t mid_rows = plan.vertical_first ? plan.y.out : plan.y.in;
  const std::int64_t mid_width = plan.vertical_first ? plan.x.in : plan.x.out;
  auto* mid = scratch.take<std::uint8_t>(mid_rows * mid_width * 3);
  parallel_for(mid_rows,
               [&](std::int64_t row) { resize_first_pass(plan, rgb, row_bytes, static_cast<std::int32_t>(row), mid); });
  parallel_for(plan.y.out, [&](std::int64_t row) {
    std::uint8_t* out_row = out + row * plan.x.out * 3;
    resize_second_pass(plan, mid, static_cast<std::int32_t>(row), out_row);
    finish(row, out_row);
  });
}

}  // namespace giemsa::kernels::cpu
