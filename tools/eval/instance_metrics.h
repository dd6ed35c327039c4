// How well cells that touch are told apart: found cells matched with true ones, pixel by pixel.
//
// Of a match at IoU t, a true cell is a true positive, a true cell without one a false negative, a found cell without one
// a false positive. Matches are one to one, and as many as there can be.
//
//   AP@t  = TP / (TP + FP + FN), as Cellpose and StarDist report it; not COCO's area under a curve
//   PQ    = sum of IoU over matches of IoU > 0.5 / (TP + FP / 2 + FN / 2) = SQ x RQ (Kirillov et al., CVPR 2019)
//   AJI+  = intersections of paired cells / (their unions + the areas of all others), the pairs one to one and of the
//           greatest sum of IoU (Kumar et al., 2017; Graham et al., 2019)
//
// A single cell is a true cell that touches no other. It is falsely split where more than half of each of two or more
// found cells lies in it. Two true cells touch where pixels of theirs are neighbours, diagonal ones included. Such a pair
// is a missed split where one found cell covers more than half of each of the two.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/frame.h"
#include "tools/eval/confusion_matrix.h"

namespace giemsa::eval {

inline constexpr std::array<double, 3> instance_ious = {0.5, 0.75, 0.9};

/// What one image adds.
struct InstanceTally {
  std::int64_t truths = 0, found = 0;
  std::array<std::int64_t, instance_ious.size()> matches = {};  ///< of an IoU of at least each of instance_ious
  std::int64_t panoptic_matches = 0;                            ///< of an IoU above 0.5
  double panoptic_iou = 0;                                      ///< their sum
  std::int64_t paired_pixels = 0, union_pixels = 0;             ///< of AJI+
  std::int64_t single_cells = 0, false_splits = 0;
  std::int64_t touching_pairs = 0, missed_splits = 0;
  std::int64_t count_error = 0;  ///< | found - truths |, summed over images

  InstanceTally& operator+=(const InstanceTally& other);
};

/// `truth` and `found`, of one size, number cells from 1; numbers without pixels are no cells.
InstanceTally count_instances(const Labels& truth, const Labels& found);

/// Undefined where there is nothing to divide by.
struct InstanceScores {
  std::array<double, instance_ious.size()> ap{undefined, undefined, undefined};
  double panoptic_quality = undefined, segmentation_quality = undefined, recognition_quality = undefined;
  double aji_plus = undefined;
  double false_splits_per_100 = undefined;   ///< single cells
  double missed_splits_per_100 = undefined;  ///< touching pairs
  double count_error = undefined;            ///< of all true cells
};

InstanceScores instance_scores(const InstanceTally& tally);

/// For each row of `weights`, which has `columns` numbers a row, the column that it is assigned to: one to one, of the
/// greatest sum of weights, none where that weight is 0. Weights are not negative. (Hungarian algorithm, cubic.)
std::vector<std::optional<std::size_t>> assign(const std::vector<double>& weights, std::size_t columns);

}  // namespace giemsa::eval
