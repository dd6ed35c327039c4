// What a checkpoint family calls the layers of DeepLabv3(+): state_dict prefixes by role. The same names serve the
// graph.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "nets/backbone.h"
#include "nets/deeplab/options.h"

namespace giemsa {

struct DeepLabLayout {
  BackboneNames backbone;
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
  /// The centre head: ours, so called the same in every family.
  ConvNames centre_features{.conv = "centre_head.0.0.1", .bn = "centre_head.0.1", .depthwise = "centre_head.0.0.0"};
  std::string centre_offsets = "centre_head.1";
  std::int64_t head_channels = 256;  ///< at full width
};

/// torchvision's ASPP: `<prefix>convs.0.{0,1}`, `convs.{1-3}.{0,1}`, `convs.4.{1,2}`. `depthwise` and `pointwise` are
/// what stands for the convolution `convs.<i>.0` where it is separable.
void name_torchvision_aspp(DeepLabLayout& layout, const std::string& prefix, Separable separable,
                           const std::string& depthwise, const std::string& pointwise);

}  // namespace giemsa
