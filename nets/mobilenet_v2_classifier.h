// MobileNetV2 as a classifier: the body, the mean over the image, one or more fully connected layers.
#pragma once

#include <string>
#include <vector>

#include "nets/option_text.h"

namespace giemsa {

struct MobileNetV2ClassifierOptions {
  std::vector<std::string> head{"classifier.1"};  ///< prefixes of the fully connected layers: nets/classifier_head.h

  friend bool operator==(const MobileNetV2ClassifierOptions&, const MobileNetV2ClassifierOptions&) = default;
};

OptionTexts to_text(const MobileNetV2ClassifierOptions& options);

struct Architecture;
Architecture mobilenet_v2_architecture();

}  // namespace giemsa
