// torch.nn.Conv2d, with the optional residual and activation of the Conv2d op.
#pragma once

#include <algorithm>

#include "engine/graph/graph.h"
#include "tests/ref/reference.h"

namespace giemsa::ref {

/// `residual` has the output's shape and is read where op.residual is set.
inline Reference conv2d(const Tensor& input, const Conv2d& op, const Weights& weights, const Tensor& residual = {}) {
  const Shape& in = input.shape();
  const auto extent = [](std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                         std::int64_t dilation) {
    return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
  };
  const Shape out{in[0], op.out_channels, extent(in[2], op.kernel.h, op.stride.h, op.padding.h, op.dilation.h),
                  extent(in[3], op.kernel.w, op.stride.w, op.padding.w, op.dilation.w)};
  const std::int64_t in_group = in[1] / op.groups, out_group = op.out_channels / op.groups;
  const auto x = input.as<float>(), w = weights.weight.as<float>();

  // A product is rounded once and passes through at most one addition a term: products, bias, residual.
  Reference result(out, static_cast<double>(in_group * op.kernel.h * op.kernel.w + 3));
  for_each_element(out, [&](std::int64_t n, std::int64_t o, std::int64_t oy, std::int64_t ox, std::size_t i) {
    for (std::int64_t c = 0; c < in_group; ++c)
      for (std::int64_t ky = 0; ky < op.kernel.h; ++ky)
        for (std::int64_t kx = 0; kx < op.kernel.w; ++kx) {
          const std::int64_t y = oy * op.stride.h - op.padding.h + ky * op.dilation.h;
          const std::int64_t column = ox * op.stride.w - op.padding.w + kx * op.dilation.w;
          if (y < 0 || y >= in[2] || column < 0 || column >= in[3]) continue;
          const double value = x[at(in, n, o / out_group * in_group + c, y, column)];
          result.add_term(i, value * w[at(weights.weight.shape(), o, c, ky, kx)]);
        }
    if (weights.bias) result.add_term(i, weights.bias.as<float>()[static_cast<std::size_t>(o)]);
    if (op.residual) result.add_term(i, residual.as<float>()[i]);
    if (op.activation != Activation::none)
      result.value[i] = std::clamp(result.value[i], 0.0, static_cast<double>(ceiling_of(op.activation)));
  });
  return result;
}

}  // namespace giemsa::ref
