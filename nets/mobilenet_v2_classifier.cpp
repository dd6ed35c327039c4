#include "nets/mobilenet_v2_classifier.h"

#include "nets/architecture.h"
#include "nets/classifier_head.h"
#include "nets/mobilenet_v2.h"

namespace giemsa {

template <MaybeConst<MobileNetV2ClassifierOptions> Options, class Visitor>
static void visit_options(Options& options, Visitor&& visit) {
  visit("head", options.head);
}

OptionTexts to_text(const MobileNetV2ClassifierOptions& options) {
  return write_options(options);
}

namespace {

NetworkOptions parse_mobilenet_v2_classifier(const OptionTexts& texts, ErrorKind kind) {
  auto options = read_options<MobileNetV2ClassifierOptions>(texts, kind);
  check(!options.head.empty(), kind, "head: names no layer");
  check_head(options.head, "classifier", "head", kind);
  return options;
}

ValueId build_mobilenet_v2_classifier(Layers& layers, ValueId image, const ModelInfo& info) {
  const auto& options = std::get<MobileNetV2ClassifierOptions>(info.options);
  const auto classes = static_cast<std::int64_t>(info.classes.size());
  const BodyFeatures features = mobilenet_v2(layers, image, torchvision_mobilenet_v2_names(""),
                                             {.body = Body::mobilenet_v2});  // {N,3,224,224} -> {N,1280,7,7}
  return add_pooled_head(layers, features.high_level, options.head, classes);  // -> {N,1280} -> {N,classes}
}

// torchvision's models/mobilenetv2.py. People replace `classifier`, or its second layer.

NetworkOptions torchvision_mobilenet_v2_options(const OptionTexts&, const TensorMap& tensors) {
  MobileNetV2ClassifierOptions options;
  if (const std::vector<std::string> found = head_layers(tensors, "classifier"); !found.empty()) options.head = found;
  return options;
}

bool is_torchvision_mobilenet_v2(const TensorMap& tensors) {
  const MobileNetV2Names names = torchvision_mobilenet_v2_names("");
  const auto options = std::get<MobileNetV2ClassifierOptions>(torchvision_mobilenet_v2_options({}, tensors));
  return tensors.contains(names.stem.conv + ".weight") &&
         tensors.contains(names.blocks[0].depthwise.conv + ".weight") &&
         tensors.contains(names.last.conv + ".weight") && tensors.contains(options.head.back() + ".weight");
}

}  // namespace

Architecture mobilenet_v2_architecture() {
  return {.name = "mobilenet_v2",
          .role = Role::classifier,
          .has_linear_layers = true,
          .presets = {{.name = "torchvision",
                       .bodies = "mobilenet_v2",
                       .options = torchvision_mobilenet_v2_options,
                       .fits = is_torchvision_mobilenet_v2}},
          .parse = parse_mobilenet_v2_classifier,
          .check = check_fixed_input,
          .size_multiple = [](const NetworkOptions&) -> std::int64_t { return 1; },
          .logits_layer =
              [](const ModelInfo& info) { return std::get<MobileNetV2ClassifierOptions>(info.options).head.back(); },
          .build = build_mobilenet_v2_classifier};
}

}  // namespace giemsa
