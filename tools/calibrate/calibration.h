// Runs networks in fp32 on real images and finds the scales of their activations (nets/observed_range.h).
#pragma once

#include <memory>

#include "engine/base/frame.h"
#include "engine/run/session.h"
#include "nets/observed_range.h"
#include "nets/smear.h"

namespace giemsa::calibrate {

/// Shows frames to a segmenter as `giemsa run` would.
class SegmenterCalibration {
 public:
  SegmenterCalibration(Model segmenter, const SmearOptions& options, std::shared_ptr<Backend> backend)
      : model_(std::move(segmenter)), options_(options), backend_(std::move(backend)) {
    if (has_centre_head(model_.info)) options_.split = Split::centre;  // a head that nothing reads would not compute
  }

  void show(const Frame& frame);
  const ObservedRange& observed() const { return observed_; }

 private:
  Model model_;
  SmearOptions options_;
  std::shared_ptr<Backend> backend_;
  ObservedRange observed_;
  Size2 compiled_for_{};
  std::unique_ptr<Session> session_;
};

/// Shows a classifier the cells that `giemsa run` would find in frames.
class ClassifierCalibration {
 public:
  ClassifierCalibration(const Model& segmenter, const Model& classifier, const SmearOptions& options,
                        std::shared_ptr<Backend> backend)
      : model_(classifier), crop_(options.crop), backend_(backend), smear_(segmenter, classifier, options, backend) {}

  /// Returns how many cells it found.
  std::size_t show(const Frame& frame);
  const ObservedRange& observed() const { return observed_; }

 private:
  Model model_;
  CropMode crop_;
  std::shared_ptr<Backend> backend_;
  Smear smear_;
  SmearResult found_;
  ObservedRange observed_;
  Size2 compiled_for_{};
  std::unique_ptr<Session> session_;
};

}  // namespace giemsa::calibrate
