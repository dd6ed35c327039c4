// Which of the cells that are there were found, and how many that are not: boxes matched one to one, and the average
// precision over all confidences.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/box.h"
#include "tools/eval/confusion_matrix.h"

namespace giemsa::eval {

/// Intersection over union of two boxes of at least a pixel each.
double box_iou(const Box& a, const Box& b);

struct ScoredBox {
  Box box;
  double score;  ///< how sure the detector is
};

/// For each detection the true box that it is matched with, if any. Greedy and one to one: the detection of the highest
/// score chooses first (of equal scores the earlier one), and takes the free true box of the highest IoU (of equal ones
/// the earlier) where that is at least `min_iou`.
std::vector<std::optional<std::size_t>> match_boxes(std::span<const Box> truth, std::span<const ScoredBox> detections,
                                                    double min_iou);

/// A detection once it is known whether it is right.
struct ScoredHit {
  double score;
  bool hit;
};

/// The area under precision over recall, not interpolated: the sum, over hits in falling order of scores (equal scores
/// in the order given), of the precision so far, divided by `truths`, the number of cells there are. Undefined where
/// there are none.
double average_precision(std::vector<ScoredHit> detections, std::int64_t truths);

/// All detections taken as they are, whatever their score, and the average precision over scores.
struct DetectionScores {
  double average_precision = undefined;
  double precision = undefined, recall = undefined, f1 = undefined;
  std::int64_t true_positives = 0, false_positives = 0, false_negatives = 0;
};

DetectionScores detection_scores(std::vector<ScoredHit> detections, std::int64_t truths);

}  // namespace giemsa::eval
