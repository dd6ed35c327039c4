// 3x3 convolutions in fp32 by Winograd's F(2x2, 3x3): 16 multiplications for four outputs where the sums of products
// take 36.
//
// A tile of 2x2 outputs reads 4x4 inputs. With d the inputs of a channel and g its weights (Lavin and Gray, "Fast
// algorithms for convolutional neural networks", 2016):
//
//     Y = A' [ sum over channels of (G g G') * (B' d B) ] A       (* element by element)
//
//         | 1  0 -1  0 |        | 1    0    0  |        | 1  1  1  0 |
//     B' = | 0  1  1  0 |    G = | 1/2  1/2  1/2|    A' = | 0  1 -1 -1 |
//         | 0 -1  1  0 |        | 1/2 -1/2  1/2|
//         | 0  1  0 -1 |        | 0    0    1  |
//
// Three phases per chunk of tiles: B' d B of every tile and channel; at each of the 16 positions a matrix product
// {tiles, C} x {C, outputs}, which is where the time goes; A' m A of every tile, with bias and activation. What passes
// between the phases stays in the caches. A dilated convolution is one of each sub-map of every `dilation`-th row and
// column: only where the tiles lie differs.
//
// oneDNN's direct convolutions run at nine tenths of what the machine can do at most, so that only fewer
// multiplications make them faster. The sums and differences cost some accuracy (the bound on a result's error is a few
// times that of the direct sum); in bf16 they would be rounded again, in int8 they would need ten bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/layers/convolution.h"

namespace giemsa::kernels::cpu {

/// Whether this CPU, and this build, have the kernel (AVX-512), and such a convolution in fp32 gains by it: 3x3, stride
/// 1, inputs and outputs multiples of 16 and at least 64, at least a quarter of the multiplications saved (on small
/// maps or with large dilations, much of what a tile computes lies outside the map).
bool winograd_pays(const ConvolutionParams& params, Extent in);

/// A vector of sixteen floats, as packed weights are read.
struct alignas(64) WinogradLine {
  float value[16];
};

/// Of packed weights.
std::int64_t winograd_weight_lines(const ConvolutionParams& params);

/// `weight` {out, C, 3, 3} as G g G', in the order in which the products read it.
void pack_winograd(WinogradLine* packed, const float* weight, const ConvolutionParams& params);

/// The first output of a tile; the others are `dilation` below and to the right of it.
struct WinogradTile {
  std::int32_t image, y, x;
};

/// A convolution of inputs of one shape.
class Winograd {
 public:
  Winograd(const ConvolutionParams& params, std::int64_t images, Extent in);

  std::size_t scratch_bytes() const;

  /// dst = act(conv(src) + bias). Pixels may have gaps between them.
  void run(const Nhwc& dst, const Nhwc& src, const WinogradLine* weights, const float* bias,
           std::span<std::byte> scratch) const;

 private:
  ConvolutionParams params_;
  std::int64_t chunk_;
  std::vector<WinogradTile> tiles_;
};

}  // namespace giemsa::kernels::cpu
