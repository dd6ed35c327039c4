// MobileNetV2 (Sandler et al. 2018, arxiv.org/abs/1801.04381): inverted residuals, of which the wide part is inside, at
// any output stride.
#pragma once

#include <string>
#include <vector>

#include "nets/body.h"
#include "nets/layers.h"

namespace giemsa {

struct InvertedResidualNames {
  std::string block = {};    ///< prefix of what has no weights: `<block>.add`
  ConvNames expansion = {};  ///< empty: the first block has none
  ConvNames depthwise = {}, projection = {};
};

struct MobileNetV2Names {
  ConvNames stem = {};
  std::vector<InvertedResidualNames> blocks = {};
  ConvNames last = {};  ///< the 1x1 to 1280 channels; empty: the body ends with its blocks
};

/// As torchvision names them: `<prefix>features.0.0`, `<prefix>features.1.conv.0.0`, ..., `<prefix>features.18.0`.
MobileNetV2Names torchvision_mobilenet_v2_names(const std::string& prefix);

/// As segmenters do that cut the features in two, at the low-level ones, and do without the last convolution:
/// `<prefix>low_level_features.0.0`, ..., `<prefix>high_level_features.17.conv.2`. In a `flat` block no Sequential
/// holds a convolution with its batch norm: `conv.0`, `conv.1`, `conv.3` in place of `conv.0.0`, `conv.0.1`,
/// `conv.1.0`.
MobileNetV2Names split_mobilenet_v2_names(const std::string& prefix, bool flat);

/// `image` is {N,3,H,W}. Stages are those of 24, 32, 96 and 320 channels, the last with the 1x1 to 1280 where `names`
/// have it.
BodyFeatures mobilenet_v2(Layers& layers, ValueId image, const MobileNetV2Names& names, const BodyOptions& options);

/// Index of the last block of stage 0..3.
std::size_t last_block_of_stage(std::size_t stage);

}  // namespace giemsa
