// The bodies of networks: which there are, and what decides their arithmetic beside their weights.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/graph/graph.h"

namespace giemsa {

/// What a network sees the image with, in torchvision's names.
enum class Body : std::uint8_t {
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  resnet152,
  resnext50_32x4d,
  resnext101_32x8d,
  wide_resnet50_2,
  wide_resnet101_2,
  mobilenet_v2,
};
inline constexpr std::array<std::string_view, 10> body_words{
    "resnet18",        "resnet34",         "resnet50",        "resnet101",        "resnet152",
    "resnext50_32x4d", "resnext101_32x8d", "wide_resnet50_2", "wide_resnet101_2", "mobilenet_v2"};
inline constexpr std::size_t resnet_bodies = 9;  ///< the first of them

constexpr bool is_resnet(Body body) {
  return static_cast<std::size_t>(body) < resnet_bodies;
}

/// Dilations inside a stage of dilation d that gave up its stride.
enum class DilationRule : std::uint8_t {
  contracted,  ///< the first block keeps the previous stage's, d/2; then d (torchvision, mmseg's contract_dilation)
  uniform,     ///< d in every block
  multi_grid,  ///< as uniform; in layer4 d, 2d, 4d (DeepLabv3's multi-grid 1,2,4)
  lagging,     ///< every block keeps the previous stage's, d/2 (jfzhang95's MobileNetV2)
};

/// Which convolution of a ResNet's bottleneck carries the stride.
enum class StridePlace : std::uint8_t {
  conv1,  ///< the first 1x1 (the original ResNet of Caffe and MATLAB)
  conv2,  ///< the 3x3 (ResNet v1.5, torchvision)
};

enum class StemKind : std::uint8_t {
  conv7x7,  ///< one 7x7/2
  conv3x3,  ///< three 3x3, the first /2 (ResNet-V1c)
};

/// Padding of the 3x3/2 max-pool behind a ResNet's stem.
enum class PoolPadding : std::uint8_t {
  one,   ///< one pixel on every side
  same,  ///< MATLAB's 'same': what is missing, the odd pixel at the bottom and right
};

/// Where MobileNetV2 pads its 3x3 convolutions. Ahead of a block means ahead of its expansion, whose bias and ReLU6
/// then make something else of the padding than zeros.
enum class BlockPadding : std::uint8_t {
  inside,           ///< each convolution its own input (torchvision)
  ahead,            ///< each block its input (jfzhang95)
  ahead_bare_stem,  ///< each block its input, and the first convolution of the network nothing (VainF)
};

struct BodyOptions {
  Body body = Body::resnet50;
  std::int64_t output_stride = 32;
  std::int64_t stages = 4;  ///< layer1 up to this one are computed
  DilationRule dilation = DilationRule::contracted;
  StridePlace stride_on = StridePlace::conv2;
  StemKind stem = StemKind::conv7x7;
  PoolPadding stem_pool = PoolPadding::one;
  BlockPadding block_padding = BlockPadding::inside;
  float bn_eps = 1e-5f;

  friend bool operator==(const BodyOptions&, const BodyOptions&) = default;
};

struct BodyFeatures {
  ValueId low_level;   ///< {N,C,H/4,W/4}: 256 channels of bottlenecks, 64 of basic blocks, 24 of MobileNetV2
  ValueId high_level;  ///< {N,C,H/output_stride,W/output_stride} of the last stage: 2048, 512, 1280 or 320 channels
};

}  // namespace giemsa
