// ResNet (He et al. 2015, arxiv.org/abs/1512.03385), ResNeXt (Xie et al. 2016, arxiv.org/abs/1611.05431) and Wide
// ResNet (Zagoruyko and Komodakis 2016, arxiv.org/abs/1605.07146): one body of any depth, at any output stride.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nets/layers.h"
#include "weights/safetensors.h"

namespace giemsa {

/// Which network of the family, in torchvision's names.
enum class ResNetBody : std::uint8_t {
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  resnet152,
  resnext50_32x4d,
  resnext101_32x8d,
  wide_resnet50_2,
  wide_resnet101_2,
};
inline constexpr std::array<std::string_view, 9> resnet_body_words{
    "resnet18",        "resnet34",         "resnet50",        "resnet101",       "resnet152",
    "resnext50_32x4d", "resnext101_32x8d", "wide_resnet50_2", "wide_resnet101_2"};

struct ResNetShape {
  std::array<int, 4> depths;  ///< blocks of each stage
  bool bottleneck;            ///< 1x1, 3x3, 1x1 to four times the channels; else two 3x3
  std::int64_t groups = 1;    ///< of a bottleneck's 3x3
  std::int64_t width = 64;    ///< channels of a group in layer1; doubled from stage to stage

  std::int64_t expansion() const { return bottleneck ? 4 : 1; }
  /// Channels that stage 0..3 gives, at full width.
  std::int64_t channels(std::size_t stage) const { return (64 << stage) * expansion(); }
};
const ResNetShape& shape_of(ResNetBody body);

/// The body whose blocks, called `<prefix>layer1.0.conv1` and so on, are among `tensors`; none where their numbers are
/// no network's of the family. Depths and kinds of blocks tell it, so narrow variants are recognised too.
std::optional<ResNetBody> resnet_body(const TensorMap& tensors, const std::string& prefix);

/// Dilations inside a stage of dilation d that gave up its stride.
enum class DilationRule : std::uint8_t {
  contracted,  ///< the first block keeps the previous stage's, d/2; then d (torchvision, mmseg's contract_dilation)
  uniform,     ///< d in every block
  multi_grid,  ///< as uniform; in layer4 d, 2d, 4d (DeepLabv3's multi-grid 1,2,4)
};

/// Which convolution of a bottleneck carries the stride.
enum class StridePlace : std::uint8_t {
  conv1,  ///< the first 1x1 (the original ResNet of Caffe and MATLAB)
  conv2,  ///< the 3x3 (ResNet v1.5, torchvision)
};

enum class StemKind : std::uint8_t {
  conv7x7,  ///< one 7x7/2
  conv3x3,  ///< three 3x3, the first /2 (ResNet-V1c)
};

/// Padding of the 3x3/2 max-pool behind the stem.
enum class PoolPadding : std::uint8_t {
  one,   ///< one pixel on every side
  same,  ///< MATLAB's 'same': what is missing, the odd pixel at the bottom and right
};

struct ResNetOptions {
  ResNetBody body = ResNetBody::resnet50;
  std::int64_t output_stride = 32;
  std::int64_t stages = 4;  ///< layer1 up to this one are computed
  DilationRule dilation = DilationRule::contracted;
  StridePlace stride_on = StridePlace::conv2;
  StemKind stem = StemKind::conv7x7;
  PoolPadding stem_pool = PoolPadding::one;
  float bn_eps = 1e-5f;

  friend bool operator==(const ResNetOptions&, const ResNetOptions&) = default;
};

struct BlockNames {
  std::string block = {};                        ///< prefix of what has no weights: `<block>.add`, `<block>.relu`
  ConvNames conv1 = {}, conv2 = {}, conv3 = {};  ///< conv3: of a bottleneck
  ConvNames downsample = {};                     ///< of the shortcut; empty: identity
};

struct ResNetNames {
  std::vector<ConvNames> stem;
  std::string pool;
  std::array<std::vector<BlockNames>, 4> layers;
};

/// As torchvision names them: `<prefix>conv1`, `<prefix>bn1`, `<prefix>layer1.0.conv1`, ...
ResNetNames torchvision_names(const std::string& prefix, ResNetBody body);

struct ResNetFeatures {
  ValueId low_level;   ///< layer1: {N,256,H/4,W/4}; of basic blocks {N,64,H/4,W/4}
  ValueId high_level;  ///< layer4, or the last stage: {N,2048,H/output_stride,W/output_stride}; of basic blocks 512
                       ///< channels
};

/// `image` is {N,3,H,W}.
ResNetFeatures resnet(Layers& layers, ValueId image, const ResNetNames& names, const ResNetOptions& options);

}  // namespace giemsa
