// What decides a network's arithmetic beside its weights, for each architecture that there is.
#pragma once

#include <variant>

#include "nets/alexnet.h"
#include "nets/deeplab/options.h"
#include "nets/mobilenet_v2_classifier.h"
#include "nets/resnet_classifier.h"

namespace giemsa {

using NetworkOptions =
    std::variant<DeepLabOptions, AlexNetOptions, ResNetClassifierOptions, MobileNetV2ClassifierOptions>;

/// By name, as `__metadata__` holds them.
inline OptionTexts to_text(const NetworkOptions& options) {
  return std::visit([](const auto& each) { return to_text(each); }, options);
}

}  // namespace giemsa
