// Images added up.
#include "tools/eval/scores.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/base/check.h"

using namespace giemsa::eval;
using doctest::Approx;

namespace {

const std::vector<std::string> two_classes = {"x", "y"};

ImageTally image(std::int64_t right_pixels, std::int64_t wrong_pixels, double boundary, bool hit, std::size_t named) {
  ImageTally tally;
  tally.pixels.add(1, 1, right_pixels);
  tally.pixels.add(0, 1, wrong_pixels);
  tally.boundary_f1 = boundary;
  for (auto& detections : tally.detections) detections.push_back({0.5, hit});
  tally.truth_cells = 2;
  tally.instances.truths = tally.instances.found = tally.instances.single_cells = 2;
  tally.instances.matches = {1, 1, 1};
  tally.instances.false_splits = 1;
  tally.labelled_cells = 2;
  tally.classes = ConfusionMatrix(2);
  tally.classes.add(0, named);
  return tally;
}

}  // namespace

TEST_CASE("scores: pixels and cells are added up, boundary scores averaged where they are defined") {
  const ImageTally images[] = {image(10, 30, 0.5, true, 0), image(50, 10, undefined, false, 1),
                               image(0, 0, 0.1, true, 0)};
  const std::size_t all[] = {0, 1, 2};
  const Scores scores = score(images, all, 2);
  CHECK(scores.segmentation.iou[1] == Approx(60.0 / 100));
  CHECK(scores.mean_boundary_f1 == Approx(0.3));
  CHECK(scores.detection[0].recall == Approx(2.0 / 6));
  CHECK(scores.detection[0].precision == Approx(2.0 / 3));
  CHECK(scores.detection[1].average_precision == Approx((1.0 + 2.0 / 3) / 6));
  CHECK(scores.classification.accuracy == Approx(2.0 / 3));
  CHECK(scores.identified == Approx(2.0 / 6));
}

TEST_CASE("scores: an image drawn twice counts twice") {
  const ImageTally images[] = {image(10, 30, 0.5, true, 0), image(50, 10, 0.2, false, 1)};
  const std::size_t drawn[] = {0, 0, 1};
  const Scores scores = score(images, drawn, 2);
  CHECK(scores.segmentation.iou[1] == Approx(70.0 / 140));
  CHECK(scores.mean_boundary_f1 == Approx(0.4));
  CHECK(scores.classification.accuracy == Approx(2.0 / 3));
  CHECK(scores.truth_cells == 6);
}

TEST_CASE("figures: each task has its own, by name") {
  const ImageTally images[] = {image(10, 30, 0.5, true, 0)};
  const std::size_t all[] = {0};
  const Scores scores = score(images, all, 2);
  const auto fields = figures(scores, Task::fields, two_classes);
  CHECK(find(fields, "segmentation", "iou", "cell").value == Approx(0.25));
  CHECK(find(fields, "segmentation", "", "mean_bf_score").value == 0.5);
  CHECK(find(fields, "detection", "iou_0.7", "recall").value == Approx(0.5));
  CHECK(find(fields, "instances", "", "ap_0.75").value == Approx(1.0 / 3));
  CHECK(find(fields, "instances", "", "false_splits_per_100").value == 50);
  CHECK(find(fields, "classes", "x", "recall").value == 1);
  CHECK(find(fields, "classification", "", "identified").value == Approx(0.5));
  CHECK_THROWS_AS(find(fields, "classes", "z", "recall"), giemsa::Error);

  const auto crops = figures(scores, Task::whole_crops, two_classes);
  CHECK_THROWS_AS(find(crops, "segmentation", "", "mean_iou"), giemsa::Error);
  CHECK_THROWS_AS(find(crops, "classification", "", "identified"), giemsa::Error);
  CHECK(find(figures(scores, Task::found_cells, two_classes), "classification", "", "identified").value == Approx(0.5));
}

TEST_CASE("figures: intervals belong to their figures") {
  std::vector<ImageTally> images;
  for (int i = 0; i < 40; ++i) images.push_back(image(10, 30, i % 2 ? 0.4 : 0.6, true, i % 4 ? 0 : 1));
  const auto all = figures_with_intervals(images, Task::fields, two_classes, {500, 1});
  const Figure& boundary = find(all, "segmentation", "", "mean_bf_score");
  CHECK(boundary.value == Approx(0.5));
  CHECK(boundary.interval.low < 0.5);
  CHECK(boundary.interval.high > 0.5);
  CHECK(boundary.interval.high < 0.56);
  const Figure& iou = find(all, "segmentation", "iou", "cell");  // the same in every image
  CHECK(iou.interval.low == Approx(0.25));
  CHECK(iou.interval.high == Approx(0.25));
  const Figure& accuracy = find(all, "classification", "", "accuracy");
  CHECK(accuracy.interval.low < 0.75);
  CHECK(accuracy.interval.low > 0.55);
}
