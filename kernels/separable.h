// Separable convolution: a depthwise 3x3 and the pointwise 1x1 that follows it, as one kernel over NHWC. DeepLabv3+
// (Chen et al. 2018), section 3.1: its atrous form makes ASPP's branches and the decoder.
//
//   mid[p][c] = act_d( bias_d[c] + sum_{i,j} in[window(p) + (i, j) dilation][c] w_d[i][j][c] )    0 outside the input
//   out[p][o] = act( sum_c mid[p][c] w[o][c] + bias[o] )
//
// mid is rounded to fp16, as depthwise() would store it, and never leaves the multiprocessor.
#pragma once

#include "kernels/ceiling.h"
#include "kernels/conv2d.h"
#include "kernels/nhwc.h"

namespace giemsa::kernels {

struct SeparableParams {
  int images = 1, in_h = 0, in_w = 0, channels = 0, out_channels = 0;
  SlidingWindow window = {.kernel = {3, 3}, .stride = {1, 1}, .padding = {0, 0}, .dilation = {1, 1}};
  /// Elements from a pixel to the next, as in Conv2dParams.
  int input_pixel_stride = 0, output_pixel_stride = 0;
  bool depthwise_relu = false, relu = false;
  float depthwise_ceiling = unbounded, ceiling = unbounded;  ///< with the relus: the largest results, 6 of ReLU6

  /// The two convolutions that are fused, with mid as a dense tensor between them.
  constexpr Conv2dParams depthwise() const {
    const auto size = [](Extent e) { return Conv2dParams::Size{e.h, e.w}; };
    return {.images = images,
            .in_h = in_h,
            .in_w = in_w,
            .in_channels = channels,
            .out_channels = channels,
            .kernel = size(window.kernel),
            .stride = size(window.stride),
            .padding = size(window.padding),
            .dilation = size(window.dilation),
            .groups = channels,
            .input_pixel_stride = input_pixel_stride,
            .output_pixel_stride = channels,
            .relu = depthwise_relu,
            .ceiling = depthwise_ceiling};
  }
  constexpr Conv2dParams pointwise() const {
    return {.images = images,
            .in_h = out_h(),
            .in_w = out_w(),
            .in_channels = channels,
            .out_channels = out_channels,
            .input_pixel_stride = channels,
            .output_pixel_stride = output_pixel_stride,
            .relu = relu,
            .ceiling = ceiling};
  }

  constexpr int out_h() const { return depthwise().out_h(); }
  constexpr int out_w() const { return depthwise().out_w(); }
  constexpr int pixels() const { return depthwise().pixels(); }
};

/// What a block makes: output pixels x output channels, in steps of so many input channels.
enum class SeparableTile : std::uint8_t { m32n256k32, m32n128k64 };

inline constexpr int separable_patch_w = 8;  ///< output pixels across a patch

/// How the kernel runs. `splits` blocks share a tile's sum, each a range of input channels, as in Conv2dPlan. A tile's
/// pixels follow one another in rows of the output; with `patches` they are a rectangle of one image, whose windows
/// share more of the input where the dilation is small.
struct SeparablePlan {
  static constexpr int max_splits = Conv2dPlan::max_splits;
  SeparableTile tile = SeparableTile::m32n256k32;
  int splits = 1;
  bool patches = false;

  friend constexpr bool operator==(const SeparablePlan&, const SeparablePlan&) = default;
};

/// Cycles that separable() takes by a model of `sm_count` multiprocessors. An estimate, not measured.
double expected_cycles(const SeparableParams& params, const SeparablePlan& plan, int sm_count);

/// The plan that it expects to be fastest: a pure function.
SeparablePlan choose(const SeparableParams& params, int sm_count);

/// Whether separable() takes `plan`: at least one step for each of 1 to max_splits, parts within an int's index.
bool fits(const SeparableParams& params, const SeparablePlan& plan);

/// Whether the same model expects the chosen plan to beat depthwise() followed by conv2d(). `branches` is 1, or as many
/// depthwise convolutions of one input as aspp_depthwise() would make in one launch.
bool is_worth_fusing(const SeparableParams& params, int branches, int sm_count);

/// Of separable()'s workspace; 0 without splits.
std::size_t workspace_bytes(const SeparableParams& params, const SeparablePlan& plan);

struct SeparableInputs {
  const Half* input;             ///< {images, in_h, in_w, input_pixel_stride}
  const Half* depthwise_weight;  ///< {3, 3, channels}
  const float* depthwise_bias;   ///< {channels}, or null
  const Half* weight;            ///< pack_conv2d_weight() of params.pointwise()
  const float* bias;             ///< {out_channels}, or null
};

/// -> output {images, out_h, out_w, output_pixel_stride}, of which the first out_channels of each pixel are written.
/// Sums are fp32. The output's bits are those of depthwise() followed by conv2d() where both sum the same ranges of
/// channels: unsplit, or with as many splits and tiles of the same k. The kernel is 3x3; channels and the input's pixel
/// stride are multiples of 8; inputs other than `bias` and the workspace, of workspace_bytes(), are aligned to 16
/// bytes. The kernel before this one in the stream may not write the weights. Throws std::invalid_argument where a
/// precondition fails.
void separable(Half* output, float* workspace, const SeparableInputs& inputs, const SeparableParams& params,
               const SeparablePlan& plan, Stream stream);

/// Input, weights and output counted once each; the depthwise flops too, however often tiles repeat them.
Cost cost(const SeparableParams& params);

}  // namespace giemsa::kernels
