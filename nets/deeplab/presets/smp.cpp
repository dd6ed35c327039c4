// segmentation_models_pytorch: DeepLabV3Plus and DeepLabV3, of any ResNet, ResNeXt, wide ResNet or MobileNetV2 as
// encoder.
//
// Source: decoders/deeplabv3/decoder.py and encoders/_base.py (make_dilated), 0.3 to 0.6. A stage past the output
// stride loses its strides and is dilated in every block; the rates are 12, 24, 36 at both output strides; upsampling
// is by factors, with aligned corners. `decoder_aspp_separable` (default on) shows in the keys; the convolution behind
// the ASPP and the decoder's are separable always. DeepLabV3 has an output stride of 8 by default and nothing separable
// but, where the keys show it, its ASPP. Encoders called "tu-resnet50" are timm's: their first block of a dilated stage
// keeps the dilation before (contracted), and their keys begin with `encoder.model.`.
#include "nets/deeplab/presets.h"

namespace giemsa {

namespace {

DeepLabOptions smp_options(std::int64_t output_stride) {
  DeepLabOptions options;
  options.backbone.output_stride = output_stride;
  options.backbone.dilation = DilationRule::uniform;
  options.aspp_rates = {12, 24, 36};
  options.after_aspp = {1, 3};
  options.align_corners = true;
  return options;
}

DeepLabLayout smp_layout(Separable separable, Body body) {
  DeepLabLayout layout;
  layout.backbone = torchvision_backbone_names("encoder.", body);
  name_torchvision_aspp(layout, "decoder.aspp.0.", separable, "0.0", "0.1");
  layout.after_aspp.push_back({.conv = "decoder.aspp.1.1", .bn = "decoder.aspp.2", .depthwise = "decoder.aspp.1.0"});
  layout.aspp_upsample = "decoder.up";
  layout.low_level = {.conv = "decoder.block1.0", .bn = "decoder.block1.1"};
  layout.decoder_concat = "decoder.concat";
  layout.decoder = {{.conv = "decoder.block2.0.1", .bn = "decoder.block2.1", .depthwise = "decoder.block2.0.0"}};
  layout.classifier = "segmentation_head.0";
  layout.logits_upsample = "segmentation_head.1";
  return layout;
}

DeepLabOptions smp_v3_options(std::int64_t output_stride) {
  DeepLabOptions v3 = smp_options(output_stride);
  v3.decoder_concat = DecoderConcat::none;
  v3.decoder = {};
  return v3;
}

DeepLabLayout smp_v3_layout(Separable separable, Body body) {
  DeepLabLayout layout;
  layout.backbone = torchvision_backbone_names("encoder.", body);
  name_torchvision_aspp(layout, "decoder.0.", separable, "0.0", "0.1");
  layout.after_aspp.push_back({.conv = "decoder.1", .bn = "decoder.2"});
  layout.classifier = "segmentation_head.0";
  layout.logits_upsample = "segmentation_head.1";
  return layout;
}

}  // namespace

DeepLabPreset smp_v3_preset() {
  return {.arch = "deeplabv3",
          .name = "smp",
          .output_strides = {8, 16},
          .separable = {Separable::none, Separable::plain},
          .separable_key = "decoder.0.convs.1.0.0.weight",
          .backbone = "encoder.",
          .basic_blocks = true,
          .mobilenet_v2 = {{DilationRule::uniform, BlockPadding::inside}},
          .any_depth = true,
          .fixed_upsampling = true,
          .options = smp_v3_options,
          .layout = smp_v3_layout};
}

DeepLabPreset smp_preset() {
  return {.arch = "deeplabv3plus",
          .name = "smp",
          .output_strides = {16, 8},
          .separable = {Separable::none, Separable::plain},
          .separable_key = "decoder.aspp.0.convs.1.0.0.weight",
          .backbone = "encoder.",
          .basic_blocks = true,
          .mobilenet_v2 = {{DilationRule::uniform, BlockPadding::inside}},
          .any_depth = true,
          .fixed_upsampling = true,
          .options = smp_options,
          .layout = smp_layout};
}

}  // namespace giemsa
