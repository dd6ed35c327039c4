// How well a mask covers the true one, pixel by pixel: the figures of MATLAB's evaluateSemanticSegmentation that come
// from the confusion of pixels.
#pragma once

#include <vector>

#include "engine/base/frame.h"
#include "tools/eval/confusion_matrix.h"

namespace giemsa::eval {

struct SegmentationScores {
  double global_accuracy = undefined;  ///< right pixels / all pixels
  double mean_accuracy = undefined;    ///< mean over classes of right pixels / the class's pixels in truth
  double mean_iou = undefined;         ///< mean over classes of `iou`
  double weighted_iou = undefined;     ///< the same, weighted by the class's pixels in truth
  std::vector<double> iou;             ///< intersection over union of each class; undefined where it is in neither
};

/// Pixels of class 0, background, and 1, cell: wherever a mask is not 0. Throws Error(internal) where the sizes differ.
ConfusionMatrix count_pixels(const Mask& truth, const Mask& predicted);

/// Classes without a pixel, in truth or at all, are left out of the means where their term is undefined.
SegmentationScores segmentation_scores(const ConfusionMatrix& pixels);

}  // namespace giemsa::eval
