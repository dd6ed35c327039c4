// AlexNet as Caffe (bvlc_alexnet) and MATLAB (alexnet) have it, exported to a state_dict: 227 x 227 input, no padding
// in front, groups of 2 in conv2, conv4 and conv5, LRN behind the first two ReLUs.
//
// Layers are `conv1` ... `conv5`, `fc6` ... `fc8`; where there is no `conv1`, the numbered `features.*` and
// `classifier.*` with weights are taken in order. fc6 must read its input in C, H, W order, as PyTorch's flatten gives
// it. Pictures are RGB with the ImageNet mean taken off in 0-255 units and not scaled; a network trained on BGR
// (Caffe's own) must have the input channels of conv1 reversed before it is converted. Caffe rounds pooled sizes up
// (ceil_mode); at 227 up and down are the same: 55, 27, 13, 6.
#include <algorithm>

#include "weights/presets.h"

namespace giemsa {

namespace {

/// Prefixes `<group>.<number>` whose weight has `rank` extents, by number.
std::vector<std::string> numbered_layers(const TensorMap& tensors, const std::string& group, int rank) {
  std::vector<std::string> layers;
  for (const auto& [key, tensor] : tensors)
    if (key.starts_with(group + ".") && key.ends_with(".weight") && tensor.shape().rank() == rank)
      layers.push_back(key.substr(0, key.size() - std::string_view(".weight").size()));
  std::ranges::stable_sort(layers, {}, &std::string::size);  // the map's order is textual: .10 stands before .3
  return layers;
}

std::vector<std::string> layers(const TensorMap& tensors) {
  std::vector<std::string> convolutions = numbered_layers(tensors, "features", 4);
  const std::vector<std::string> linears = numbered_layers(tensors, "classifier", 2);
  if (tensors.contains("conv1.weight") || convolutions.size() != 5 || linears.size() != 3)
    return {"conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"};
  convolutions.insert(convolutions.end(), linears.begin(), linears.end());
  return convolutions;
}

}  // namespace

AlexNetPreset caffe_alexnet_preset() {
  return {.name = "caffe",
          .picture = {.input = {{227, 227}, 0}, .std = {1 / 255.f, 1 / 255.f, 1 / 255.f}},
          .options = {.layers = {},
                      .norm = AlexNetNorm::lrn,
                      .groups = 2,
                      .conv1_padding = 0,
                      .pool_ceil_mode = true,
                      .adaptive_pool = false},
          .layers = layers};
}

AlexNetPreset matlab_alexnet_preset() {
  AlexNetPreset preset = caffe_alexnet_preset();
  preset.name = "matlab";
  preset.picture.filter = ResizeFilter::bicubic;  // imresize's default
  return preset;
}

}  // namespace giemsa
