// torch.nn.AdaptiveAvgPool2d.
#pragma once

#include "engine/ops/adaptive_avg_pool.h"
#include "tests/ref/reference.h"

namespace giemsa::ref {

inline Reference adaptive_avg_pool(const Tensor& input, const AdaptiveAvgPool& op) {
  const Shape& in = input.shape();
  const auto first = [](std::int64_t i, std::int64_t size, std::int64_t cells) { return i * size / cells; };
  const auto last = [](std::int64_t i, std::int64_t size, std::int64_t cells) {
    return ((i + 1) * size + cells - 1) / cells;  // exclusive
  };
  const double largest_cell = static_cast<double>((in[2] / op.output.h + 2) * (in[3] / op.output.w + 2));
  Reference result({in[0], in[1], op.output.h, op.output.w}, largest_cell + 1);  // the sum, and the division
  for_each_element(result.shape, [&](std::int64_t n, std::int64_t c, std::int64_t oy, std::int64_t ox, std::size_t i) {
    const std::int64_t y0 = first(oy, in[2], op.output.h), y1 = last(oy, in[2], op.output.h);
    const std::int64_t x0 = first(ox, in[3], op.output.w), x1 = last(ox, in[3], op.output.w);
    const auto count = static_cast<double>((y1 - y0) * (x1 - x0));
    for (std::int64_t y = y0; y < y1; ++y)
      for (std::int64_t x = x0; x < x1; ++x) result.add_term(i, input.as<float>()[at(in, n, c, y, x)] / count);
  });
  return result;
}

}  // namespace giemsa::ref
