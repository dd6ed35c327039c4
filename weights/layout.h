// What a checkpoint family calls the layers of DeepLabv3(+): state_dict prefixes by role. The same names serve the
// graph.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "weights/options.h"

namespace giemsa {

/// [depthwise convolution, [batch norm, ReLU]] convolution, [batch norm, ReLU]; what is empty is not there.
struct ConvNames {
  std::string conv = {}, bn = {};
  std::string depthwise = {}, depthwise_bn = {};
  bool bias = false;  ///< the convolution has a bias although a batch norm follows
};

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

struct DeepLabLayout {
  ResNetNames backbone;
  std::array<ConvNames, 4> aspp;  ///< 1x1, then the three rates
  std::string pool;               ///< the pooled branch: pool, conv, broadcast; empty: none
  ConvNames pool_conv;
  std::string pool_upsample;
  std::string aspp_concat;
  std::vector<ConvNames> after_aspp;
  std::string aspp_upsample;  ///< to the low-level features' size (DeepLabv3+)
  ConvNames low_level;
  std::string decoder_concat;
  std::vector<ConvNames> decoder;
  std::string classifier;
  std::string logits_upsample;
  std::int64_t head_channels = 256;  ///< at full width
};

/// The four stages of ResNet-50 as torchvision names them: `<prefix>layer1.0.conv1`, ...
std::array<std::vector<BottleneckNames>, 4> torchvision_layers(const std::string& prefix);

/// torchvision's ASPP: `<prefix>convs.0.{0,1}`, `convs.{1-3}.{0,1}`, `convs.4.{1,2}`. `depthwise` and `pointwise` are
/// what stands for the convolution `convs.<i>.0` where it is separable.
void name_torchvision_aspp(DeepLabLayout& layout, const std::string& prefix, Separable separable,
                           const std::string& depthwise, const std::string& pointwise);

}  // namespace giemsa
