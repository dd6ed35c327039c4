#include "nets/backbone.h"

namespace giemsa {

BackboneNames torchvision_backbone_names(const std::string& prefix, Body body) {
  if (is_resnet(body)) return torchvision_names(prefix, body);
  return torchvision_mobilenet_v2_names(prefix);
}

BodyFeatures backbone(Layers& layers, ValueId image, const BackboneNames& names, const BodyOptions& options) {
  if (const auto* of_resnet = std::get_if<ResNetNames>(&names)) return resnet(layers, image, *of_resnet, options);
  return mobilenet_v2(layers, image, std::get<MobileNetV2Names>(names), options);
}

const std::string& first_layer(const BackboneNames& names) {
  if (const auto* of_resnet = std::get_if<ResNetNames>(&names)) return of_resnet->stem[0].conv;
  return std::get<MobileNetV2Names>(names).stem.conv;
}

const std::string& last_layer(const BackboneNames& names, std::size_t stage) {
  if (const auto* of_resnet = std::get_if<ResNetNames>(&names)) {
    const BlockNames& last = of_resnet->layers[stage].back();
    return (last.conv3.conv.empty() ? last.conv2 : last.conv3).conv;
  }
  const auto& of_mobilenet = std::get<MobileNetV2Names>(names);
  if (stage == 3 && !of_mobilenet.last.conv.empty()) return of_mobilenet.last.conv;
  return of_mobilenet.blocks[last_block_of_stage(stage)].projection.conv;
}

std::vector<std::string> prefixes_of_stage(const BackboneNames& names, std::size_t stage) {
  std::vector<std::string> prefixes;
  if (const auto* of_resnet = std::get_if<ResNetNames>(&names)) {
    for (const BlockNames& each : of_resnet->layers[stage]) prefixes.push_back(each.block + '.');
    return prefixes;
  }
  const auto& of_mobilenet = std::get<MobileNetV2Names>(names);
  for (std::size_t i = last_block_of_stage(stage - 1) + 1; i <= last_block_of_stage(stage); ++i)
    prefixes.push_back(of_mobilenet.blocks[i].block + '.');
  if (stage == 3 && !of_mobilenet.last.conv.empty())
    for (const std::string& layer : {of_mobilenet.last.conv, of_mobilenet.last.bn}) prefixes.push_back(layer + '.');
  return prefixes;
}

}  // namespace giemsa
