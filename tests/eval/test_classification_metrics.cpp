// Figures of classes worked out by hand.
#include <doctest/doctest.h>

#include <cmath>

#include "tools/eval/classification_metrics.h"

using namespace giemsa::eval;
using doctest::Approx;

namespace {

/// Of three classes, rows in truth: 4 1 0 | 2 3 0 | 1 0 5.
ConfusionMatrix example_counts() {
  ConfusionMatrix cells(3);
  cells.add(0, 0, 4), cells.add(0, 1, 1);
  cells.add(1, 0, 2), cells.add(1, 1, 3);
  cells.add(2, 0, 1), cells.add(2, 2, 5);
  return cells;
}

}  // namespace

TEST_CASE("classification: one class against the others") {
  const ClassificationScores scores = classification_scores(example_counts());
  CHECK(scores.accuracy == Approx(12.0 / 16));
  CHECK(scores.kappa == Approx(107.0 / 171));  // by chance 85 of 256 are right
  CHECK(scores.classes[0].precision == Approx(4.0 / 7));
  CHECK(scores.classes[0].recall == Approx(4.0 / 5));
  CHECK(scores.classes[0].f1 == Approx(8.0 / 12));
  CHECK(scores.classes[0].specificity == Approx(8.0 / 11));
  CHECK(scores.classes[1].precision == Approx(3.0 / 4));
  CHECK(scores.classes[1].recall == Approx(3.0 / 5));
  CHECK(scores.classes[1].f1 == Approx(6.0 / 9));
  CHECK(scores.classes[1].specificity == Approx(10.0 / 11));
  CHECK(scores.classes[2].precision == 1);
  CHECK(scores.classes[2].recall == Approx(5.0 / 6));
  CHECK(scores.classes[2].f1 == Approx(10.0 / 11));
  CHECK(scores.classes[2].specificity == 1);
}

TEST_CASE("classification: macro averages are means of classes, micro averages add up counts") {
  const ClassificationScores scores = classification_scores(example_counts());
  CHECK(scores.macro.precision == Approx((4.0 / 7 + 3.0 / 4 + 1) / 3));
  CHECK(scores.macro.recall == Approx((4.0 / 5 + 3.0 / 5 + 5.0 / 6) / 3));
  CHECK(scores.macro.f1 == Approx((8.0 / 12 + 6.0 / 9 + 10.0 / 11) / 3));
  CHECK(scores.macro.specificity == Approx((8.0 / 11 + 10.0 / 11 + 1) / 3));
  CHECK(scores.micro.precision == Approx(12.0 / 16));
  CHECK(scores.micro.recall == Approx(12.0 / 16));
  CHECK(scores.micro.f1 == Approx(12.0 / 16));
  CHECK(scores.micro.specificity == Approx(28.0 / 32));
}

TEST_CASE("classification: a class that is never called has no precision; in the macro average it counts as 0") {
  ConfusionMatrix cells(2);
  cells.add(0, 0, 3);
  cells.add(1, 0, 1);
  const ClassificationScores scores = classification_scores(cells);
  CHECK(std::isnan(scores.classes[1].precision));
  CHECK(scores.classes[1].f1 == 0);
  CHECK(scores.macro.precision == Approx((3.0 / 4 + 0) / 2));
}

TEST_CASE("classification: a class that no cell has is left out of macro averages") {
  ConfusionMatrix cells(3);
  cells.add(0, 0, 3);
  cells.add(1, 2, 1);
  const ClassificationScores scores = classification_scores(cells);
  CHECK(std::isnan(scores.classes[2].recall));
  CHECK(scores.classes[2].precision == 0);
  CHECK(scores.macro.recall == Approx(0.5));
  CHECK(scores.macro.precision == Approx(0.5));
  CHECK(scores.macro.f1 == Approx(0.5));
}

TEST_CASE("classification: without cells nothing is defined") {
  const ClassificationScores scores = classification_scores(ConfusionMatrix(2));
  for (const double value : {scores.accuracy, scores.macro.recall, scores.macro.specificity, scores.micro.f1})
    CHECK(std::isnan(value));
}
