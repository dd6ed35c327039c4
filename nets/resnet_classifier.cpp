#include "nets/resnet_classifier.h"

#include <algorithm>

#include "nets/architecture.h"
#include "nets/numbered_layers.h"

namespace giemsa {

template <class Options, class Visitor>
static void visit_options(Options& options, Visitor&& visit) {
  visit("body", options.body, resnet_body_words);
  visit("head", options.head);
}

OptionTexts to_text(const ResNetClassifierOptions& options) {
  return write_options(options);
}

namespace {

NetworkOptions parse(const OptionTexts& texts, ErrorKind kind) {
  auto options = read_options<ResNetClassifierOptions>(texts, kind);
  check(!options.head.empty(), kind, "head: names no layer");
  for (const std::string& name : options.head)
    check((name == "fc" || is_numbered(name, {"fc."})) && std::ranges::count(options.head, name) == 1, kind,
          "head: ", in_quotes(name), " is not the name of one layer: fc or fc.N");
  return options;
}

void check_info(const ModelInfo& info, ErrorKind kind) {
  check(info.input.long_side == 0, kind, "input size: ", info.arch, " needs WIDTHxHEIGHT, not the long side ",
        info.input.to_string());
}

ValueId build(Layers& layers, ValueId image, const ModelInfo& info) {
  const auto& options = std::get<ResNetClassifierOptions>(info.options);
  const auto classes = static_cast<std::int64_t>(info.classes.size());
  constexpr std::int64_t usual_hidden = 512;  // features between two fully connected layers; their tensors decide
  // Shapes of bottlenecks at 224; basic blocks give 512 channels.
  const ResNetFeatures features = resnet(layers, image, torchvision_names("", options.body),
                                         {.body = options.body});                     // {N,3,224,224} -> {N,2048,7,7}
  ValueId x = layers.add("avgpool", AdaptiveAvgPool{{1, 1}}, {features.high_level});  // -> {N,2048,1,1}
  x = layers.add("flatten", Flatten{}, {x});                                          // -> {N,2048}
  for (const std::string& name : options.head) {
    const bool last = name == options.head.back();
    x = layers.linear(name, x, last ? classes : usual_hidden);
    if (!last) x = layers.add(name + ".relu", Relu{}, {x});
  }
  return x;  // {N,classes}
}

// torchvision's models/resnet.py. People replace `fc` by a layer for their classes, or by a Sequential whose layers
// with weights are taken in order, whatever stands between them: Dropout does nothing here, LogSoftmax at the end
// changes no probability, and between two of them a ReLU is assumed.

std::vector<std::string> head_of(const TensorMap& tensors) {
  const std::vector<std::string> numbered = numbered_layers(tensors, "fc.", 2);
  return numbered.empty() ? std::vector<std::string>{"fc"} : numbered;
}

NetworkOptions torchvision_options(const OptionTexts&, const TensorMap& tensors) {
  ResNetClassifierOptions options;
  options.body = resnet_body(tensors, "").value_or(options.body);
  options.head = head_of(tensors);
  return options;
}

bool is_torchvision(const TensorMap& tensors) {
  return tensors.contains("conv1.weight") && tensors.contains("layer4.0.conv1.weight") &&
         tensors.contains(head_of(tensors).back() + ".weight");
}

}  // namespace

Architecture resnet_architecture() {
  return {
      .name = "resnet",
      .role = Role::classifier,
      .has_linear_layers = true,
      .presets = {{.name = "torchvision", .options = torchvision_options, .fits = is_torchvision}},
      .parse = parse,
      .check = check_info,
      .size_multiple = [](const NetworkOptions&) -> std::int64_t { return 1; },
      .logits_layer = [](const ModelInfo& info) { return std::get<ResNetClassifierOptions>(info.options).head.back(); },
      .build = build};
}

}  // namespace giemsa
