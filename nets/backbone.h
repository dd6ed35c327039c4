// Any body under the names of any family: what segmenters are built on.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "nets/mobilenet_v2.h"
#include "nets/resnet.h"

namespace giemsa {

using BackboneNames = std::variant<ResNetNames, MobileNetV2Names>;

/// As torchvision names the layers of `body`, behind `prefix`.
BackboneNames torchvision_backbone_names(const std::string& prefix, Body body);

/// `image` is {N,3,H,W}; `names` are those of options.body.
BodyFeatures backbone(Layers& layers, ValueId image, const BackboneNames& names, const BodyOptions& options);

/// The first convolution.
const std::string& first_layer(const BackboneNames& names);
/// The convolution that gives stage 0..3 its channels.
const std::string& last_layer(const BackboneNames& names, std::size_t stage);
/// What the keys of stage 1..3 begin with.
std::vector<std::string> prefixes_of_stage(const BackboneNames& names, std::size_t stage);

}  // namespace giemsa
