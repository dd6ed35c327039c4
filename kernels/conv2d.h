// Dense convolution (cross-correlation, as torch.nn.Conv2d) over NHWC, as one matrix product a group:
//
//   out[p][o] = act( sum_k window[p][k] weight[o][k] + bias[o] + residual[p][o] )
//   p = (image, oy, ox)                                           M = images out_h out_w rows
//   k = (ky, kx, c), c fastest, of the group's input channels     K = kernel.h kernel.w in_channels / groups
//   window[p][k] = in[image][oy stride.h - padding.h + ky dilation.h][ox stride.w - padding.w + kx dilation.w][c],
//                  0 outside the input
#pragma once

#include "kernels/ceiling.h"
#include "kernels/types.h"

namespace giemsa::kernels {

struct Conv2dParams {
  struct Size {
    int h = 1, w = 1;
  };
  int images = 1, in_h = 0, in_w = 0, in_channels = 0, out_channels = 0;
  Size kernel = {}, stride = {}, padding = {0, 0}, dilation = {};
  int groups = 1;
  /// Elements from a pixel to the next, at least the channels; larger where the tensor is a slice of a concatenation.
  int input_pixel_stride = 0, output_pixel_stride = 0;
  int residual_pixel_stride = 0;  ///< 0: no residual
  bool relu = false;
  float ceiling = unbounded;  ///< with relu: the largest result, 6 of ReLU6

  constexpr int out_h() const { return (in_h + 2 * padding.h - dilation.h * (kernel.h - 1) - 1) / stride.h + 1; }
  constexpr int out_w() const { return (in_w + 2 * padding.w - dilation.w * (kernel.w - 1) - 1) / stride.w + 1; }
  constexpr int pixels() const { return images * out_h() * out_w(); }       ///< M
  constexpr int group_in() const { return in_channels / groups; }           ///< input channels of a group
  constexpr int group_out() const { return out_channels / groups; }         ///< output channels of a group
  constexpr int depth() const { return kernel.h * kernel.w * group_in(); }  ///< K
  constexpr int packed_depth() const { return ceil_div(depth(), 8) * 8; }   ///< elements of a packed weight's row
};

/// What a block makes of the product: output pixels x output channels, in steps of so many k.
enum class Conv2dTile : std::uint8_t { m128n64k32, m64n64k32, m32n64k64 };

/// How the fp16 kernel runs. `splits` blocks share a tile's sum, each a range of k; a second kernel adds their parts in
/// the order of k, so that a plan gives the same bits in every run.
struct Conv2dPlan {
  static constexpr int max_splits = 8;
  Conv2dTile tile = Conv2dTile::m64n64k32;
  int splits = 1;

  friend constexpr bool operator==(const Conv2dPlan&, const Conv2dPlan&) = default;
};

/// Cycles that conv2d() takes by a model of `sm_count` multiprocessors. An estimate, not measured.
double expected_cycles(const Conv2dParams& params, const Conv2dPlan& plan, int sm_count);

/// The plan that it expects to be fastest: a pure function.
Conv2dPlan choose(const Conv2dParams& params, int sm_count);

/// Whether conv2d() takes `plan`: at least one step of k for each of 1 to max_splits, parts within an int's index.
bool fits(const Conv2dParams& params, const Conv2dPlan& plan);

/// Of conv2d()'s workspace; 0 without splits.
std::size_t workspace_bytes(const Conv2dParams& params, const Conv2dPlan& plan);

template <class T>
struct Conv2dInputs {
  const T* input;     ///< {images, in_h, in_w, input_pixel_stride}
  const T* weight;    ///< as pack_conv2d_weight() lays it out, aligned to 16 bytes
  const float* bias;  ///< {out_channels}, or null
  const T* residual;  ///< {images, out_h, out_w, residual_pixel_stride}; null without. May be the output.
};

/// -> output {images, out_h, out_w, output_pixel_stride}, of which the first out_channels of each pixel are written.
/// Sums are fp32, in tensor cores. `workspace` has workspace_bytes() bytes, aligned to 16. An input whose channels a
/// group, pixel stride and address are all multiples of 8 elements is read by 16 bytes, any other by elements. Throws
/// std::invalid_argument where a precondition fails.
void conv2d(Half* output, float* workspace, const Conv2dInputs<Half>& inputs, const Conv2dParams& params,
            const Conv2dPlan& plan, Stream stream);
void conv2d(float* output, float* workspace, const Conv2dInputs<Half>& inputs, const Conv2dParams& params,
            const Conv2dPlan& plan, Stream stream);

/// The same in fp32 throughout, without tensor cores: the reference mode.
void conv2d_f32(float* output, const Conv2dInputs<float>& inputs, const Conv2dParams& params, Stream stream);

/// Elements of a packed weight.
std::size_t packed_weight_size(const Conv2dParams& params);

/// {out_channels, group_in, kernel.h, kernel.w} -> {out_channels, packed_depth}: a row is k = (ky, kx, c), then zeros.
void pack_conv2d_weight(Half* packed, const Half* weight, const Conv2dParams& params);
void pack_conv2d_weight(float* packed, const float* weight, const Conv2dParams& params);

/// Input, weight, residual and output counted once each, in elements of `element_bytes`.
Cost cost(const Conv2dParams& params, int element_bytes);

}  // namespace giemsa::kernels
