// The classifier on its own, for pictures that show one cell each.
#pragma once

#include <memory>
#include <utility>

#include "engine/base/frame.h"
#include "nets/box_classifier.h"

namespace giemsa::eval {

/// Not for several threads at once. Compiles where a frame's size is not that of the frame before.
class CropClassifier {
 public:
  /// Throws Error(model) where the model is no classifier.
  CropClassifier(Model classifier, std::shared_ptr<Backend> backend)
      : boxes_(std::move(classifier), CropMode::tight, 1, std::move(backend)) {}

  /// The whole of `frame` as one cell, named.
  Cell classify(const Frame& frame);

  const ModelInfo& model() const { return boxes_.model(); }

 private:
  BoxClassifier boxes_;
};

}  // namespace giemsa::eval
