// What F(2x2, 3x3) may err by: its terms are larger than those of the sum of products that it stands for.
#pragma once

#include <array>

#include "tests/ref/conv2d.h"

namespace giemsa::ref {

namespace winograd {

template <std::size_t Rows, std::size_t Columns>
using Matrix = std::array<std::array<double, Columns>, Rows>;

inline constexpr Matrix<4, 4> input{{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}}};
inline constexpr Matrix<4, 3> weight{{{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}}};
inline constexpr Matrix<2, 4> output{{{1, 1, 1, 0}, {0, 1, -1, -1}}};

/// m x m', of the absolute values where `absolute`.
template <std::size_t Rows, std::size_t Size>
Matrix<Rows, Rows> both_sides(const Matrix<Rows, Size>& m, const Matrix<Size, Size>& x, bool absolute) {
  const auto entry = [&](double value) { return absolute ? std::abs(value) : value; };
  Matrix<Rows, Rows> result{};
  for (std::size_t i = 0; i < Rows; ++i)
    for (std::size_t j = 0; j < Rows; ++j)
      for (std::size_t a = 0; a < Size; ++a)
        for (std::size_t b = 0; b < Size; ++b) result[i][j] += entry(m[i][a]) * entry(x[a][b]) * entry(m[j][b]);
  return result;
}

}  // namespace winograd

/// conv2d() of a 3x3 convolution of stride 1 in one group, with the magnitudes and roundings of Winograd's way to it.
/// The outputs of a tile are pairs `dilation` apart.
inline Reference conv2d_by_winograd(const Tensor& input, const Conv2d& op, const Weights& weights) {
  using namespace winograd;
  const Reference exact = conv2d(input, op, weights);
  const Shape& in = input.shape();
  const auto x = input.as<float>(), w = weights.weight.as<float>();
  // Two sums on an input's way into a product, one rounding of the transformed weight, a rounded addition a channel,
  // two times two on a product's way out, and the bias.
  Reference result(exact.shape, static_cast<double>(in[1] + 2 + 1 + 4 + 1));
  result.value = exact.value;

  std::vector<Matrix<4, 4>> transformed;  // [output][channel]: what is rounded are the results themselves
  for (std::int64_t o = 0; o < op.out_channels; ++o)
    for (std::int64_t c = 0; c < in[1]; ++c) {
      Matrix<3, 3> g{};
      for (std::int64_t i = 0; i < 9; ++i)
        g[static_cast<std::size_t>(i / 3)][static_cast<std::size_t>(i % 3)] =
            w[at(weights.weight.shape(), o, c, i / 3, i % 3)];
      transformed.push_back(both_sides(weight, g, false));
    }

  const Size2 d = op.dilation;
  for (std::int64_t n = 0; n < in[0]; ++n)
    for (std::int64_t y = 0; y < exact.shape[2]; ++y)
      for (std::int64_t column = 0; column < exact.shape[3]; ++column) {
        const auto below = static_cast<std::size_t>(y / d.h % 2), right = static_cast<std::size_t>(column / d.w % 2);
        const std::int64_t top = y - y / d.h % 2 * d.h - op.padding.h;
        const std::int64_t left = column - column / d.w % 2 * d.w - op.padding.w;
        for (std::int64_t c = 0; c < in[1]; ++c) {
          Matrix<4, 4> tile{};
          for (std::int64_t i = 0; i < 16; ++i) {
            const std::int64_t row = top + i / 4 * d.h, from = left + i % 4 * d.w;
            if (row >= 0 && row < in[2] && from >= 0 && from < in[3])
              tile[static_cast<std::size_t>(i / 4)][static_cast<std::size_t>(i % 4)] = x[at(in, n, c, row, from)];
          }
          tile = both_sides(winograd::input, tile, true);
          for (std::int64_t o = 0; o < op.out_channels; ++o) {
            const auto& u = transformed[static_cast<std::size_t>(o * in[1] + c)];
            double& magnitude = result.magnitude[at(exact.shape, n, o, y, column)];
            for (std::size_t i = below; i < below + 3; ++i)
              for (std::size_t j = right; j < right + 3; ++j)
                magnitude += std::abs(output[below][i] * u[i][j] * output[right][j]) * tile[i][j];
          }
        }
        if (!weights.bias) continue;
        for (std::int64_t o = 0; o < op.out_channels; ++o)
          result.magnitude[at(exact.shape, n, o, y, column)] +=
              std::abs(weights.bias.as<float>()[static_cast<std::size_t>(o)]);
      }
  return result;
}

}  // namespace giemsa::ref
