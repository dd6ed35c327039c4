// VainF/DeepLabV3Plus-Pytorch: deeplabv3plus_ and deeplabv3_ of resnet50, resnet101 and mobilenet.
//
// Source: network/modeling.py, network/_deeplab.py and network/backbone/mobilenetv2.py. The command line's default
// output stride is 16 (the function's is 8). torchvision's backbone: the first block of a dilated stage keeps the
// previous dilation. Rates are 6, 12, 18, doubled at output stride 8. The variant made by convert_to_separable_conv()
// turns every 3x3 of the head into `body.0` (depthwise) and `body.1`. Its MobileNetV2 pads nothing in its first
// convolution, and a block's input ahead of the expansion; the last 1x1 is left out.
#include "nets/deeplab/presets.h"

namespace giemsa {

namespace {

DeepLabOptions vainf_options(std::int64_t output_stride) {
  DeepLabOptions options;
  options.backbone.output_stride = output_stride;
  if (output_stride == 8) options.aspp_rates = {12, 24, 36};
  options.decoder_concat = DecoderConcat::low_first;
  return options;
}

BackboneNames backbone_names(Body body) {
  if (is_resnet(body)) return torchvision_names("backbone.", body);
  return split_mobilenet_v2_names("backbone.", false);
}

DeepLabLayout vainf_layout(Separable separable, Body body) {
  DeepLabLayout layout;
  layout.backbone = backbone_names(body);
  name_torchvision_aspp(layout, "classifier.aspp.", separable, "0.body.0", "0.body.1");
  layout.aspp_upsample = "classifier.upsample";
  layout.low_level = {.conv = "classifier.project.0", .bn = "classifier.project.1"};
  layout.decoder_concat = "classifier.concat";
  const std::string decoder = "classifier.classifier.0";
  if (separable == Separable::none)
    layout.decoder = {{.conv = decoder, .bn = "classifier.classifier.1"}};
  else
    layout.decoder = {{.conv = decoder + ".body.1", .bn = "classifier.classifier.1", .depthwise = decoder + ".body.0"}};
  layout.classifier = "classifier.classifier.3";
  layout.logits_upsample = "upsample";
  return layout;
}

DeepLabOptions vainf_v3_options(std::int64_t output_stride) {
  DeepLabOptions v3 = vainf_options(output_stride);
  v3.after_aspp = {1, 3};
  v3.decoder_concat = DecoderConcat::none;
  v3.decoder = {};
  return v3;
}

DeepLabLayout vainf_v3_layout(Separable separable, Body body) {
  DeepLabLayout layout;
  layout.backbone = backbone_names(body);
  name_torchvision_aspp(layout, "classifier.classifier.0.", separable, "0.body.0", "0.body.1");
  const std::string after = "classifier.classifier.1";
  if (separable == Separable::none)
    layout.after_aspp.push_back({.conv = after, .bn = "classifier.classifier.2"});
  else
    layout.after_aspp.push_back(
        {.conv = after + ".body.1", .bn = "classifier.classifier.2", .depthwise = after + ".body.0"});
  layout.classifier = "classifier.classifier.4";
  layout.logits_upsample = "upsample";
  return layout;
}

}  // namespace

DeepLabPreset vainf_v3_preset() {
  return {.arch = "deeplabv3",
          .name = "vainf",
          .output_strides = {16, 8},
          .separable = {Separable::none, Separable::plain},
          .separable_key = "classifier.classifier.0.convs.1.0.body.0.weight",
          .backbone = "backbone.",
          .mobilenet_v2 = {{DilationRule::contracted, BlockPadding::ahead_bare_stem}},
          .options = vainf_v3_options,
          .layout = vainf_v3_layout};
}

DeepLabPreset vainf_preset() {
  return {.arch = "deeplabv3plus",
          .name = "vainf",
          .output_strides = {16, 8},
          .separable = {Separable::none, Separable::plain},
          .separable_key = "classifier.aspp.convs.1.0.body.0.weight",
          .backbone = "backbone.",
          .mobilenet_v2 = {{DilationRule::contracted, BlockPadding::ahead_bare_stem}},
          .options = vainf_options,
          .layout = vainf_layout};
}

}  // namespace giemsa
