// jfzhang95/pytorch-deeplab-xception: DeepLab(backbone="resnet").
//
// Source: modeling/backbone/resnet.py, aspp.py, decoder.py. layer4 is a multi-grid unit (1, 2, 4 times the dilation),
// layer3 at output stride 8 is dilated in every block; rates are 6, 12, 18, doubled at output stride 8; every
// upsampling aligns corners. The repository builds ResNet-101; ResNet-50 checkpoints come from forks and have the same
// layout.
#include "nets/deeplab/presets.h"

namespace giemsa {

namespace {

DeepLabOptions options(std::int64_t output_stride) {
  DeepLabOptions options;
  options.backbone.output_stride = output_stride;
  options.backbone.dilation = DilationRule::multi_grid;
  if (output_stride == 8) options.aspp_rates = {12, 24, 36};
  options.decoder = {3, 3};
  options.align_corners = true;
  return options;
}

DeepLabLayout layout(Separable, ResNetBody body) {
  DeepLabLayout layout;
  layout.backbone = torchvision_names("backbone.", body);
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

}  // namespace

DeepLabPreset jfzhang95_preset() {
  return {.arch = "deeplabv3plus",
          .name = "jfzhang95",
          .output_strides = {16, 8},
          .separable = {Separable::none},
          .backbone = "backbone.",
          .options = options,
          .layout = layout};
}

}  // namespace giemsa
