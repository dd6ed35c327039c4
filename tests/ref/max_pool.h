// torch.nn.MaxPool2d.
#pragma once

#include <algorithm>
#include <limits>

#include "engine/ops/max_pool.h"
#include "tests/ref/reference.h"

namespace giemsa::ref {

inline Reference max_pool(const Tensor& input, const MaxPool& op) {
  const Shape& in = input.shape();
  const auto extent = [&](std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
    std::int64_t windows = 0;
    for (std::int64_t start = -padding;; start += stride, ++windows) {
      const bool complete = start + kernel <= size + padding;
      // ceil_mode adds one window that hangs over the end, unless it would start in the right padding.
      const bool needed = op.ceil_mode && start - stride + kernel < size + padding && start < size;
      if (!complete && !needed) break;
    }
    return windows;
  };
  Reference result({in[0], in[1], extent(in[2], op.kernel.h, op.stride.h, op.padding.h),
                    extent(in[3], op.kernel.w, op.stride.w, op.padding.w)},
                   0);
  for_each_element(result.shape, [&](std::int64_t n, std::int64_t c, std::int64_t oy, std::int64_t ox, std::size_t i) {
    result.value[i] = -std::numeric_limits<double>::infinity();
    for (std::int64_t ky = 0; ky < op.kernel.h; ++ky)
      for (std::int64_t kx = 0; kx < op.kernel.w; ++kx) {
        const std::int64_t y = oy * op.stride.h - op.padding.h + ky, x = ox * op.stride.w - op.padding.w + kx;
        if (y < 0 || y >= in[2] || x < 0 || x >= in[3]) continue;
        result.value[i] = std::max<double>(result.value[i], input.as<float>()[at(in, n, c, y, x)]);
      }
  });
  return result;
}

}  // namespace giemsa::ref
