#include "tools/eval/segmentation_metrics.h"

#include <array>

#include "engine/base/check.h"

namespace giemsa::eval {

ConfusionMatrix count_pixels(const Mask& truth, const Mask& predicted) {
  check(truth.width == predicted.width && truth.height == predicted.height, ErrorKind::internal, "a mask of ",
        predicted.width, "x", predicted.height, " pixels for a truth of ", truth.width, "x", truth.height);
  std::array<std::int64_t, 4> counts{};
  for (std::size_t i = 0; i < truth.pixels.size(); ++i)
    ++counts[static_cast<std::size_t>(2 * (truth.pixels[i] != 0) + (predicted.pixels[i] != 0))];
  ConfusionMatrix pixels(2);
  for (std::size_t i = 0; i < counts.size(); ++i) pixels.add(i / 2, i % 2, counts[i]);
  return pixels;
}

SegmentationScores segmentation_scores(const ConfusionMatrix& pixels) {
  const auto total = static_cast<double>(pixels.total());
  SegmentationScores scores;
  scores.global_accuracy = ratio(static_cast<double>(pixels.correct()), total);
  std::vector<double> accuracy;
  double weighted = 0;
  for (std::size_t k = 0; k < pixels.classes(); ++k) {
    const std::int64_t both = pixels.at(k, k), either = pixels.truths(k) + pixels.predictions(k) - both;
    const auto truths = static_cast<double>(pixels.truths(k));
    accuracy.push_back(ratio(static_cast<double>(both), truths));
    scores.iou.push_back(ratio(static_cast<double>(both), static_cast<double>(either)));
    if (truths > 0) weighted += truths * scores.iou.back();
  }
  scores.mean_accuracy = mean_of_defined(accuracy);
  scores.mean_iou = mean_of_defined(scores.iou);
  scores.weighted_iou = ratio(weighted, total);
  return scores;
}

}  // namespace giemsa::eval
