// The classifier on its own, for pictures that show one cell each.
#pragma once

#include <memory>

#include "engine/base/frame.h"
#include "engine/run/session.h"
#include "nets/model.h"
#include "nets/smear.h"

namespace giemsa::eval {

/// Not for several threads at once. Compiles where a frame's size is not that of the frame before.
class CropClassifier {
 public:
  /// Throws Error(model) where the model is no classifier.
  CropClassifier(Model classifier, std::shared_ptr<Backend> backend);

  /// The whole of `frame` as one cell, named.
  Cell classify(const Frame& frame);

  const ModelInfo& model() const { return model_.info; }

 private:
  Model model_;
  std::shared_ptr<Backend> backend_;
  Size2 compiled_for_{};
  std::unique_ptr<Session> session_;
};

}  // namespace giemsa::eval
