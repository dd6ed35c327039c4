// torchvision: deeplabv3_resnet50 (no decoder).
//
// Source: models/segmentation/deeplabv3.py: output stride 8, rates 12, 24, 36, logits upsampled to the image.
#include "nets/deeplab/presets.h"

namespace giemsa {

namespace {

DeepLabOptions torchvision_options(std::int64_t output_stride) {
  DeepLabOptions options;
  options.backbone.output_stride = output_stride;
  options.aspp_rates = {12, 24, 36};
  options.after_aspp = {1, 3};
  options.decoder_concat = DecoderConcat::none;
  options.decoder = {};
  return options;
}

DeepLabLayout torchvision_layout(Separable, Body body) {
  DeepLabLayout layout;
  layout.backbone = torchvision_names("backbone.", body);
  name_torchvision_aspp(layout, "classifier.0.", Separable::none, {}, {});
  layout.after_aspp.push_back({.conv = "classifier.1", .bn = "classifier.2"});
  layout.classifier = "classifier.4";
  layout.logits_upsample = "upsample";
  return layout;
}

}  // namespace

DeepLabPreset torchvision_preset() {
  return {.arch = "deeplabv3",
          .name = "torchvision",
          .output_strides = {8, 16, 32},
          .separable = {Separable::none},
          .backbone = "backbone.",
          .options = torchvision_options,
          .layout = torchvision_layout};
}

}  // namespace giemsa
