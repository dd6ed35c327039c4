// What a classifier's last layer is given of each labelled cell.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/frame.h"
#include "engine/run/session.h"
#include "nets/smear.h"
#include "tools/adapt/corrections.h"
#include "tools/adapt/last_layer_fit.h"

namespace giemsa::adapt {

class CellFeatures {
 public:
  /// Throws Error(model) where a model does not fit its role.
  CellFeatures(const Model& segmenter, const Model& classifier, const SmearOptions& options,
               std::shared_ptr<Backend> backend);

  /// The cells of a frame that `corrections` name. A cell without a box is looked for: `missing` counts those that are
  /// not found. Throws Error(usage) where a class is none of the classifier's or a box lies outside the frame.
  std::vector<LabelledCell> collect(const Frame& frame, std::span<const Correction> corrections, std::size_t group,
                                    std::size_t& missing);

 private:
  std::vector<float> features_of(const Frame& frame, const PixelBox& box);
  std::optional<PixelBox> find(const Frame& frame, const Correction& correction);

  Model classifier_;
  CropMode crop_;
  std::shared_ptr<Backend> backend_;
  Smear smear_;
  SmearResult found_;
  const Frame* searched_ = nullptr;  ///< whose cells `found_` holds
  Size2 compiled_for_{};
  std::unique_ptr<Session> session_;
};

}  // namespace giemsa::adapt
