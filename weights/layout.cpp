#include "weights/layout.h"

namespace giemsa {

std::array<std::vector<BottleneckNames>, 4> torchvision_layers(const std::string& prefix) {
  constexpr std::array<int, 4> depths{3, 4, 6, 3};
  std::array<std::vector<BottleneckNames>, 4> layers;
  for (std::size_t stage = 0; stage < depths.size(); ++stage) {
    for (int i = 0; i < depths[stage]; ++i) {
      const std::string block = cat(prefix, "layer", stage + 1, '.', i);
      layers[stage].push_back({.block = block,
                               .conv1 = {.conv = block + ".conv1", .bn = block + ".bn1"},
                               .conv2 = {.conv = block + ".conv2", .bn = block + ".bn2"},
                               .conv3 = {.conv = block + ".conv3", .bn = block + ".bn3"}});
    }
    const std::string shortcut = layers[stage][0].block + ".downsample.";
    layers[stage][0].downsample = {.conv = shortcut + "0", .bn = shortcut + "1"};
  }
  return layers;
}

void name_torchvision_aspp(DeepLabLayout& layout, const std::string& prefix, Separable separable,
                           const std::string& depthwise, const std::string& pointwise) {
  const std::string convs = prefix + "convs.";
  layout.aspp[0] = {.conv = convs + "0.0", .bn = convs + "0.1"};
  for (std::size_t i = 1; i < layout.aspp.size(); ++i) {
    const std::string branch = cat(convs, i, '.');
    layout.aspp[i] = {.conv = branch + "0", .bn = branch + "1"};
    if (separable != Separable::none) {
      layout.aspp[i].depthwise = branch + depthwise;
      layout.aspp[i].conv = branch + pointwise;
    }
  }
  layout.pool = convs + "4.0";
  layout.pool_conv = {.conv = convs + "4.1", .bn = convs + "4.2"};
  layout.pool_upsample = convs + "4.upsample";
  layout.aspp_concat = prefix + "concat";
  layout.after_aspp = {{.conv = prefix + "project.0", .bn = prefix + "project.1"}};
}

}  // namespace giemsa
