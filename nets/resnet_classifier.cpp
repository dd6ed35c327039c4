#include "nets/resnet_classifier.h"

#include "nets/architecture.h"
#include "nets/classifier_head.h"

namespace giemsa {

template <MaybeConst<ResNetClassifierOptions> Options, class Visitor>
static void visit_options(Options& options, Visitor&& visit) {
  visit("body", options.body, std::span(body_words).first(resnet_bodies));
  visit("head", options.head);
}

OptionTexts to_text(const ResNetClassifierOptions& options) {
  return write_options(options);
}

namespace {

NetworkOptions parse_resnet_classifier(const OptionTexts& texts, ErrorKind kind) {
  auto options = read_options<ResNetClassifierOptions>(texts, kind);
  check(!options.head.empty(), kind, "head: names no layer");
  check_head(options.head, "fc", "head", kind);
  return options;
}

ValueId build_resnet_classifier(Layers& layers, ValueId image, const ModelInfo& info) {
  const auto& options = std::get<ResNetClassifierOptions>(info.options);
  const auto classes = static_cast<std::int64_t>(info.classes.size());
  // Shapes of bottlenecks at 224; basic blocks give 512 channels.
  const BodyFeatures features = resnet(layers, image, torchvision_names("", options.body),
                                       {.body = options.body});               // {N,3,224,224} -> {N,2048,7,7}
  return add_pooled_head(layers, features.high_level, options.head, classes);  // -> {N,2048} -> {N,classes}
}

// torchvision's models/resnet.py. People replace `fc` by a layer for their classes, or by a Sequential.

std::vector<std::string> head_of(const TensorMap& tensors) {
  const std::vector<std::string> found = head_layers(tensors, "fc");
  return found.empty() ? std::vector<std::string>{"fc"} : found;
}

NetworkOptions torchvision_resnet_options(const OptionTexts&, const TensorMap& tensors) {
  ResNetClassifierOptions options;
  options.body = resnet_body(tensors, "").value_or(options.body);
  options.head = head_of(tensors);
  return options;
}

bool is_torchvision_resnet(const TensorMap& tensors) {
  return tensors.contains("conv1.weight") && tensors.contains("layer4.0.conv1.weight") &&
         tensors.contains(head_of(tensors).back() + ".weight");
}

}  // namespace

Architecture resnet_architecture() {
  return {
      .name = "resnet",
      .role = Role::classifier,
      .has_linear_layers = true,
      .presets = {{.name = "torchvision",
                   .bodies = "resnets",
                   .options = torchvision_resnet_options,
                   .fits = is_torchvision_resnet}},
      .parse = parse_resnet_classifier,
      .check = check_fixed_input,
      .size_multiple = [](const NetworkOptions&) -> std::int64_t { return 1; },
      .logits_layer = [](const ModelInfo& info) { return std::get<ResNetClassifierOptions>(info.options).head.back(); },
      .build = build_resnet_classifier};
}

}  // namespace giemsa
