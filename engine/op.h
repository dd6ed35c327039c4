// The operations a graph is made of: plain parameter structs in one variant. Tensors are logically NCHW; how a backend
// lays them out is its own affair. A frame is u8 {1,H,W,3} (RGB, interleaved), as images come.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

namespace giemsa {

/// Height and width, in that order, as everywhere here.
struct Size2 {
  std::int64_t h = 0, w = 0;
  friend bool operator==(const Size2&, const Size2&) = default;
};

enum class Activation : std::uint8_t { none, relu };

/// How a picture is resampled when it changes size. Both widen their kernel when shrinking (antialiasing).
enum class ResizeFilter : std::uint8_t {
  bilinear,  ///< Pillow's BILINEAR bit for bit: horizontal pass first, each pass rounded to u8 (torchvision Resize on
             ///< PIL)
  bicubic,   ///< MATLAB's imresize: a = -0.5, symmetric edges
};

/// Which pixels of the frame a component's box takes.
enum class CropMode : std::uint8_t {
  tight,   ///< exactly the box: h x w
  matlab,  ///< imcrop of BoundingBox: (h+1) x (w+1), clipped at the frame's edge
};

/// What a bilinear upsampling reads outside its input.
enum class EdgeMode : std::uint8_t {
  clamp,  ///< the nearest sample (PyTorch's interpolate)
  zero,   ///< zero: equals a fixed bilinear transposed convolution (MATLAB's, Caffe's)
};

/// A value given from outside.
struct Input {};

/// Cross-correlation as torch.nn.Conv2d: {N,C,H,W} -> {N,out_channels,H',W'}. With `residual`, a second input of the
/// output's shape is added before the activation.
struct Conv2d {
  std::int64_t out_channels = 0;
  Size2 kernel{1, 1}, stride{1, 1}, padding{0, 0}, dilation{1, 1};
  std::int64_t groups = 1;
  bool residual = false;
  Activation activation = Activation::none;
};

/// Inference-time batch normalisation over channels: weight * (x - mean) / sqrt(var + eps) + bias.
struct BatchNorm {
  float eps = 1e-5f;
};

struct Relu {};

/// Element-wise sum of two equal shapes.
struct Add {
  Activation activation = Activation::none;
};

/// Pads with -inf, as torch.nn.MaxPool2d.
struct MaxPool {
  Size2 kernel, stride, padding{0, 0};
  bool ceil_mode = false;
};

/// torch.nn.AdaptiveAvgPool2d: output cell i averages rows floor(i*H/h) .. ceil((i+1)*H/h). {1,1} is global average
/// pooling.
struct AdaptiveAvgPool {
  Size2 output{1, 1};
};

/// Local response normalisation across channels: x / (k + alpha/size * sum of squares)^beta, zero outside.
struct Lrn {
  std::int64_t size = 5;
  float alpha = 1e-4f, beta = 0.75f, k = 1.0f;
};

/// {N,C,H,W} -> {N,C*H*W}, in C, H, W order.
struct Flatten {};

/// {N,K} -> {N,out_features}; the weight is {out_features,K}, floating or int8 with one scale per output feature.
struct Linear {
  std::int64_t out_features = 0;
  Activation activation = Activation::none;
};

/// Softmax over axis 1 of {N,K}.
struct Softmax {};

/// Joins along channels.
struct Concat {};

/// Bilinear interpolation to `output`, as torch.nn.functional.interpolate. From 1x1 it is a broadcast.
struct Upsample {
  Size2 output;
  bool align_corners = false;
  EdgeMode edge = EdgeMode::clamp;
};

/// Logits {1,C,h,w} -> mask u8 {1,1,h,w}: 1 where the probability of not being class 0 exceeds `threshold`
/// (C = 1: sigmoid of the only logit; C = 2 and threshold 0.5: argmax).
struct Threshold {
  float threshold = 0.5f;
};

/// Upsample (edge clamped) and Threshold in one pass; the upsampled logits are never written.
struct UpsampleThreshold {
  Size2 output;
  bool align_corners = false;
  float threshold = 0.5f;
};

/// Frame u8 {1,H,W,3} -> network input {1,3,h,w}: resize to `output`, then (x / 255 - mean) / std.
struct Preprocess {
  Size2 output;
  ResizeFilter filter = ResizeFilter::bilinear;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f};
};

/// Mask -> mask: background that no 4-connected path joins to the image edge becomes foreground (imfill 'holes').
struct FillHoles {};

/// Mask -> mask: 8-connected components of fewer than `min_area` pixels vanish (bwareaopen).
struct AreaOpen {
  std::int64_t min_area = 200;
};

/// Mask u8 {1,1,H,W} -> labels i32 {1,1,H,W}: 8-connected components, 0 background, 1..N in raster order of first
/// pixels.
struct Components {};

/// FillHoles, AreaOpen and Components in one: mask u8 {1,1,H,W} -> labels i32 {1,1,H,W}. Where a Regions reads the
/// labels, a backend makes the table in the same go.
struct CleanAndLabel {
  std::int64_t min_area = 200;
};

/// Labels i32 {1,1,H,W} -> labels of another size: the nearest sample of each pixel's centre.
struct ResizeLabels {
  Size2 output;
};

/// Labels -> region table i32 {1 + capacity, 10}: see engine/region.h.
struct Regions {
  std::int64_t capacity = 0;
};

/// Frame u8 {1,H,W,3} and boxes i32 {B,4} (x, y, w, h) -> {B,3,h,w}: crop, resize, (x / 255 - mean) / std.
struct CropResize {
  Size2 output;
  CropMode mode = CropMode::tight;
  ResizeFilter filter = ResizeFilter::bilinear;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f};
};

using Op = std::variant<Input, Conv2d, BatchNorm, Relu, Add, MaxPool, AdaptiveAvgPool, Lrn, Flatten, Linear, Softmax,
                        Concat, Upsample, Threshold, UpsampleThreshold, Preprocess, FillHoles, AreaOpen, Components,
                        CleanAndLabel, ResizeLabels, Regions, CropResize>;

/// "conv2d", "batch_norm", ...
std::string_view name_of(const Op& op);

}  // namespace giemsa
