// ResNet-50 (He et al. 2015, arxiv.org/abs/1512.03385) as a backbone: no classifier, any output stride.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "nets/deeplab/options.h"
#include "nets/layers.h"

namespace giemsa {

struct BottleneckNames {
  std::string block = {};  ///< prefix of what has no weights: `<block>.add`, `<block>.relu`
  ConvNames conv1 = {}, conv2 = {}, conv3 = {};
  ConvNames downsample = {};  ///< of the shortcut; empty: identity
};

struct ResNetNames {
  std::vector<ConvNames> stem;
  std::string pool;
  std::array<std::vector<BottleneckNames>, 4> layers;
};

/// The four stages of ResNet-50 as torchvision names them: `<prefix>layer1.0.conv1`, ...
std::array<std::vector<BottleneckNames>, 4> torchvision_layers(const std::string& prefix);

struct ResNetFeatures {
  ValueId low_level;   ///< layer1: {N,256,H/4,W/4}
  ValueId high_level;  ///< layer4: {N,2048,H/output_stride,W/output_stride}
};

/// `image` is {N,3,H,W}.
ResNetFeatures resnet50(Layers& layers, ValueId image, const ResNetNames& names, const DeepLabOptions& options);

}  // namespace giemsa
