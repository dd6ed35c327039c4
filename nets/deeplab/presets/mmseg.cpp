// OpenMMLab mmsegmentation: deeplabv3plus_r50-d8.
//
// Source: configs/_base_/models/deeplabv3plus_r50-d8.py, decode_heads/{aspp,sep_aspp}_head.py. ResNet-V1c (three 3x3 in
// the stem) at output stride 8 with contracted dilation; the pooled branch comes first; separable means
// depthwise-BN-ReLU-pointwise- BN-ReLU; the ASPP has 512 channels and is followed by a dense 3x3. Its
// data_preprocessor's mean and std are ours times 255.
#include "nets/deeplab/presets.h"

namespace giemsa {

namespace {

ConvNames conv_module(const std::string& prefix) {
  return {.conv = prefix + ".conv", .bn = prefix + ".bn"};
}

ConvNames separable_module(const std::string& prefix) {
  return {.conv = prefix + ".pointwise_conv.conv",
          .bn = prefix + ".pointwise_conv.bn",
          .depthwise = prefix + ".depthwise_conv.conv",
          .depthwise_bn = prefix + ".depthwise_conv.bn"};
}

DeepLabOptions mmseg_options(std::int64_t output_stride) {
  DeepLabOptions options;
  options.backbone.output_stride = output_stride;
  options.backbone.stem = StemKind::conv3x3;
  options.aspp_rates = {12, 24, 36};
  options.aspp_pool = PoolBranch::first;
  options.after_aspp = {3};
  options.decoder = {3, 3};
  return options;
}

DeepLabLayout mmseg_layout(Separable, Body body) {
  DeepLabLayout layout;
  ResNetNames backbone = torchvision_names("backbone.", body);
  backbone.stem = {{.conv = "backbone.stem.0", .bn = "backbone.stem.1"},
                   {.conv = "backbone.stem.3", .bn = "backbone.stem.4"},
                   {.conv = "backbone.stem.6", .bn = "backbone.stem.7"}};
  layout.backbone = std::move(backbone);
  layout.aspp[0] = conv_module("decode_head.aspp_modules.0");
  for (std::size_t i = 1; i < layout.aspp.size(); ++i)
    layout.aspp[i] = separable_module(cat("decode_head.aspp_modules.", i));
  layout.pool = "decode_head.image_pool.0";
  layout.pool_conv = conv_module("decode_head.image_pool.1");
  layout.pool_upsample = "decode_head.image_pool.upsample";
  layout.aspp_concat = "decode_head.aspp_modules.concat";
  layout.after_aspp = {conv_module("decode_head.bottleneck")};
  layout.aspp_upsample = "decode_head.upsample";
  layout.low_level = conv_module("decode_head.c1_bottleneck");
  layout.decoder_concat = "decode_head.concat";
  layout.decoder = {separable_module("decode_head.sep_bottleneck.0"), separable_module("decode_head.sep_bottleneck.1")};
  layout.classifier = "decode_head.conv_seg";
  layout.logits_upsample = "upsample";
  layout.head_channels = 512;
  return layout;
}

}  // namespace

DeepLabPreset mmseg_preset() {
  return {.arch = "deeplabv3plus",
          .name = "mmseg",
          .output_strides = {8, 16, 32},
          .separable = {Separable::normalized},
          .backbone = "backbone.",
          .options = mmseg_options,
          .layout = mmseg_layout};
}

}  // namespace giemsa
