#include "tools/eval/classification_metrics.h"

#include <cmath>

namespace giemsa::eval {
namespace {

/// One class against the others.
struct Counts {
  double true_positives = 0, false_positives = 0, false_negatives = 0, true_negatives = 0;

  Counts& operator+=(const Counts& o) {
    true_positives += o.true_positives;
    false_positives += o.false_positives;
    false_negatives += o.false_negatives;
    true_negatives += o.true_negatives;
    return *this;
  }
};

Counts counts_of(const ConfusionMatrix& cells, std::size_t k) {
  const auto right = static_cast<double>(cells.at(k, k)), called = static_cast<double>(cells.predictions(k)),
             present = static_cast<double>(cells.truths(k)), all = static_cast<double>(cells.total());
  return {right, called - right, present - right, all - called - present + right};
}

ClassScores scores_of(const Counts& c) {
  return {.precision = ratio(c.true_positives, c.true_positives + c.false_positives),
          .recall = ratio(c.true_positives, c.true_positives + c.false_negatives),
          .f1 = ratio(2 * c.true_positives, 2 * c.true_positives + c.false_positives + c.false_negatives),
          .specificity = ratio(c.true_negatives, c.true_negatives + c.false_positives)};
}

}  // namespace

ClassificationScores classification_scores(const ConfusionMatrix& cells) {
  ClassificationScores scores;
  const auto total = static_cast<double>(cells.total());
  scores.accuracy = ratio(static_cast<double>(cells.correct()), total);
  double chance = 0;
  for (std::size_t k = 0; k < cells.classes(); ++k)
    chance += ratio(static_cast<double>(cells.truths(k)), total) * ratio(static_cast<double>(cells.predictions(k)), total);
  scores.kappa = ratio(scores.accuracy - chance, 1 - chance);
  Counts sum;
  std::vector<double> precision, recall, f1, specificity;
  for (std::size_t k = 0; k < cells.classes(); ++k) {
    const Counts counts = counts_of(cells, k);
    const ClassScores& own = scores.classes.emplace_back(scores_of(counts));
    sum += counts;
    if (cells.truths(k) == 0) continue;
    precision.push_back(std::isnan(own.precision) ? 0 : own.precision);
    recall.push_back(own.recall);
    f1.push_back(own.f1);
    specificity.push_back(own.specificity);
  }
  scores.micro = scores_of(sum);
  scores.macro = {mean_of_defined(precision), mean_of_defined(recall), mean_of_defined(f1),
                  mean_of_defined(specificity)};
  return scores;
}

}  // namespace giemsa::eval
