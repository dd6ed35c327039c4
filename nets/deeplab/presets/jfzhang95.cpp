// jfzhang95/pytorch-deeplab-xception: DeepLab(backbone="resnet") and DeepLab(backbone="mobilenet").
//
// Source: modeling/backbone/resnet.py and mobilenet.py, aspp.py, decoder.py. layer4 is a multi-grid unit (1, 2, 4 times
// the dilation), layer3 at output stride 8 is dilated in every block; rates are 6, 12, 18, doubled at output stride 8;
// every upsampling aligns corners. The repository builds ResNet-101; ResNet-50 checkpoints come from forks and have the
// same layout. MobileNetV2 pads a block's input ahead of the expansion, and a group of blocks that gave up its stride
// keeps the dilation before it. Its features are in the checkpoint twice, also as `backbone.features`.
#include "nets/deeplab/presets.h"

namespace giemsa {

namespace {

DeepLabOptions jfzhang95_options(std::int64_t output_stride) {
  DeepLabOptions options;
  options.backbone.output_stride = output_stride;
  options.backbone.dilation = DilationRule::multi_grid;
  if (output_stride == 8) options.aspp_rates = {12, 24, 36};
  options.decoder = {3, 3};
  options.align_corners = true;
  return options;
}

DeepLabLayout jfzhang95_layout(Separable, Body body) {
  DeepLabLayout layout;
  if (is_resnet(body))
    layout.backbone = torchvision_names("backbone.", body);
  else
    layout.backbone = split_mobilenet_v2_names("backbone.", true);
  for (std::size_t i = 0; i < layout.aspp.size(); ++i) {
    const std::string branch = cat("aspp.aspp", i + 1);
    layout.aspp[i] = {.conv = branch + ".atrous_conv", .bn = branch + ".bn"};
  }
  layout.pool = "aspp.global_avg_pool.0";
  layout.pool_conv = {.conv = "aspp.global_avg_pool.1", .bn = "aspp.global_avg_pool.2"};
  layout.pool_upsample = "aspp.global_avg_pool.upsample";
  layout.aspp_concat = "aspp.concat";
  layout.after_aspp = {{.conv = "aspp.conv1", .bn = "aspp.bn1"}};
  layout.aspp_upsample = "decoder.upsample";
  layout.low_level = {.conv = "decoder.conv1", .bn = "decoder.bn1"};
  layout.decoder_concat = "decoder.concat";
  layout.decoder = {{.conv = "decoder.last_conv.0", .bn = "decoder.last_conv.1"},
                    {.conv = "decoder.last_conv.4", .bn = "decoder.last_conv.5"}};
  layout.classifier = "decoder.last_conv.8";
  layout.logits_upsample = "upsample";
  return layout;
}

/// Keys of the features that low_level_features and high_level_features hold too.
std::vector<std::string> second_copies(const TensorMap& tensors) {
  std::vector<std::string> keys;
  for (const auto& [key, tensor] : tensors)
    for (const std::string half : {"backbone.low_level_features.", "backbone.high_level_features."})
      if (constexpr std::string_view whole = "backbone.features.";
          key.starts_with(whole) && tensors.contains(half + key.substr(whole.size())))
        keys.push_back(key);
  return keys;
}

}  // namespace

DeepLabPreset jfzhang95_preset() {
  return {.arch = "deeplabv3plus",
          .name = "jfzhang95",
          .output_strides = {16, 8},
          .separable = {Separable::none},
          .backbone = "backbone.",
          .mobilenet_v2 = {{DilationRule::lagging, BlockPadding::ahead}},
          .options = jfzhang95_options,
          .layout = jfzhang95_layout,
          .constants = second_copies};
}

}  // namespace giemsa
