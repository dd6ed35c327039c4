// ResNets as classifiers: the body, the mean over the image, one or more fully connected layers.
#pragma once

#include <string>
#include <vector>

#include "nets/option_text.h"
#include "nets/resnet.h"

namespace giemsa {

struct ResNetClassifierOptions {
  Body body = Body::resnet50;
  std::vector<std::string> head{"fc"};  ///< prefixes of the fully connected layers, in order: nets/classifier_head.h

  friend bool operator==(const ResNetClassifierOptions&, const ResNetClassifierOptions&) = default;
};

OptionTexts to_text(const ResNetClassifierOptions& options);

struct Architecture;
Architecture resnet_architecture();

}  // namespace giemsa
