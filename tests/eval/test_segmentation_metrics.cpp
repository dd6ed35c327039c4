// Pixels counted by hand.
#include <cmath>

#include "engine/base/check.h"
#include "tests/eval/masks.h"
#include "tools/eval/segmentation_metrics.h"

using namespace giemsa;
using namespace giemsa::eval;
using giemsa::test::mask_of;

TEST_CASE("pixels: every pair of truth and prediction is counted in its place") {
  const ConfusionMatrix pixels = count_pixels(mask_of({"###..", "....."}), mask_of({"#...#", "....#"}));
  CHECK(pixels.at(0, 0) == 5);
  CHECK(pixels.at(0, 1) == 2);
  CHECK(pixels.at(1, 0) == 2);
  CHECK(pixels.at(1, 1) == 1);
}

TEST_CASE("pixels: any value but 0 is a cell's") {
  Mask truth(3, 1), predicted(3, 1);
  truth.pixels = {0, 128, 255};
  predicted.pixels = {0, 1, 7};
  CHECK(count_pixels(truth, predicted).correct() == 3);
}

TEST_CASE("pixels: masks of different sizes are refused") {
  CHECK_THROWS_AS(count_pixels(Mask(31, 33), Mask(33, 31)), Error);
}

TEST_CASE("segmentation: accuracies and IoU of 6 + 2 | 1 + 3 pixels") {
  ConfusionMatrix pixels(2);
  pixels.add(0, 0, 6);
  pixels.add(0, 1, 2);
  pixels.add(1, 0, 1);
  pixels.add(1, 1, 3);
  const SegmentationScores scores = segmentation_scores(pixels);
  CHECK(scores.global_accuracy == doctest::Approx(9.0 / 12));
  CHECK(scores.mean_accuracy == doctest::Approx((6.0 / 8 + 3.0 / 4) / 2));
  CHECK(scores.iou[0] == doctest::Approx(6.0 / 9));
  CHECK(scores.iou[1] == doctest::Approx(3.0 / 6));
  CHECK(scores.mean_iou == doctest::Approx((6.0 / 9 + 3.0 / 6) / 2));
  CHECK(scores.weighted_iou == doctest::Approx((8 * 6.0 / 9 + 4 * 3.0 / 6) / 12));
}

TEST_CASE("segmentation: a class that is nowhere is left out, one that is only predicted scores 0") {
  ConfusionMatrix background_only(2);
  background_only.add(0, 0, 10);
  CHECK(std::isnan(segmentation_scores(background_only).iou[1]));
  CHECK(segmentation_scores(background_only).mean_iou == 1);
  CHECK(segmentation_scores(background_only).mean_accuracy == 1);
  CHECK(segmentation_scores(background_only).weighted_iou == 1);

  ConfusionMatrix false_cell = background_only;
  false_cell.add(0, 1, 10);
  const SegmentationScores scores = segmentation_scores(false_cell);
  CHECK(scores.iou[1] == 0);
  CHECK(scores.mean_iou == doctest::Approx(0.25));
  CHECK(scores.mean_accuracy == doctest::Approx(0.5));
  CHECK(scores.weighted_iou == doctest::Approx(0.5));
}

TEST_CASE("segmentation: without pixels nothing is defined") {
  const SegmentationScores scores = segmentation_scores(ConfusionMatrix(2));
  for (const double value : {scores.global_accuracy, scores.mean_accuracy, scores.mean_iou, scores.weighted_iou})
    CHECK(std::isnan(value));
}

TEST_CASE("confusion: row sums are truths, column sums predictions; matrices of other classes do not add") {
  ConfusionMatrix cells(3);
  cells.add(0, 2, 5);
  cells.add(2, 0, 7);
  cells.add(2, 2);
  CHECK(cells.truths(2) == 8);
  CHECK(cells.predictions(2) == 6);
  CHECK(cells.total() == 13);
  CHECK(cells.correct() == 1);
  ConfusionMatrix twice = cells;
  twice += cells;
  CHECK(twice.at(2, 0) == 14);
  CHECK_THROWS_AS(twice += ConfusionMatrix(2), Error);
}
