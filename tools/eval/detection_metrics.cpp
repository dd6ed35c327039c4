#include "tools/eval/detection_metrics.h"

#include <algorithm>
#include <numeric>

namespace giemsa::eval {

double box_iou(const Box& a, const Box& b) {
  const auto overlap = [](int start, int size, int other_start, int other_size) {
    return std::max(0, std::min(start + size, other_start + other_size) - std::max(start, other_start));
  };
  const auto area = [](std::int64_t w, std::int64_t h) { return static_cast<double>(w * h); };
  const double both = area(overlap(a.x, a.w, b.x, b.w), overlap(a.y, a.h, b.y, b.h));
  return both / (area(a.w, a.h) + area(b.w, b.h) - both);
}

std::vector<std::optional<std::size_t>> match_boxes(std::span<const Box> truth, std::span<const ScoredBox> detections,
                                                    double min_iou) {
  std::vector<std::size_t> order(detections.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [&](std::size_t i) { return detections[i].score; });

  std::vector<std::optional<std::size_t>> matches(detections.size());
  std::vector<bool> taken(truth.size());
  for (const std::size_t i : order) {
    double best = 0;
    for (std::size_t t = 0; t < truth.size(); ++t) {
      const double iou = taken[t] ? 0 : box_iou(truth[t], detections[i].box);
      if (iou < min_iou || iou <= best) continue;
      best = iou;
      matches[i] = t;
    }
    if (matches[i]) taken[*matches[i]] = true;
  }
  return matches;
}

double average_precision(std::vector<ScoredHit> detections, std::int64_t truths) {
  std::ranges::stable_sort(detections, std::ranges::greater(), &ScoredHit::score);
  double hits = 0, sum = 0;
  for (std::size_t i = 0; i < detections.size(); ++i)
    if (detections[i].hit) sum += ++hits / static_cast<double>(i + 1);
  return ratio(sum, static_cast<double>(truths));
}

DetectionScores detection_scores(std::vector<ScoredHit> detections, std::int64_t truths) {
  DetectionScores scores;
  scores.true_positives = std::ranges::count(detections, true, &ScoredHit::hit);
  scores.false_positives = static_cast<std::int64_t>(detections.size()) - scores.true_positives;
  scores.false_negatives = truths - scores.true_positives;
  const auto hits = static_cast<double>(scores.true_positives), found = static_cast<double>(detections.size()),
             present = static_cast<double>(truths);
  scores.precision = ratio(hits, found);
  scores.recall = ratio(hits, present);
  scores.f1 = ratio(2 * hits, found + present);
  scores.average_precision = average_precision(std::move(detections), truths);
  return scores;
}

}  // namespace giemsa::eval
