// ResNet (He et al. 2015, arxiv.org/abs/1512.03385), ResNeXt (Xie et al. 2016, arxiv.org/abs/1611.05431) and Wide
// ResNet (Zagoruyko and Komodakis 2016, arxiv.org/abs/1605.07146): one body of any depth, at any output stride.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "nets/body.h"
#include "nets/layers.h"
#include "weights/safetensors.h"

namespace giemsa {

struct ResNetShape {
  std::array<int, 4> depths;  ///< blocks of each stage
  bool bottleneck;            ///< 1x1, 3x3, 1x1 to four times the channels; else two 3x3
  std::int64_t groups = 1;    ///< of a bottleneck's 3x3
  std::int64_t width = 64;    ///< channels of a group in layer1; doubled from stage to stage

  std::int64_t expansion() const { return bottleneck ? 4 : 1; }
  /// Channels that stage 0..3 gives, at full width.
  std::int64_t channels(std::size_t stage) const { return (64 << stage) * expansion(); }
};
/// Of a ResNet.
const ResNetShape& shape_of(Body body);

/// The body whose blocks, called `<prefix>layer1.0.conv1` and so on, are among `tensors`; none where their numbers are
/// no network's of the family. Depths and kinds of blocks tell it, so narrow variants are recognised too.
std::optional<Body> resnet_body(const TensorMap& tensors, const std::string& prefix);

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
ResNetNames torchvision_names(const std::string& prefix, Body body);

/// `image` is {N,3,H,W}.
BodyFeatures resnet(Layers& layers, ValueId image, const ResNetNames& names, const BodyOptions& options);

}  // namespace giemsa
