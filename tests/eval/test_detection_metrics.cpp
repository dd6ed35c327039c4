// Boxes matched by hand, and precision over recall added up by hand.
#include <doctest/doctest.h>

#include <cmath>

#include "tools/eval/detection_metrics.h"

using namespace giemsa;
using namespace giemsa::eval;
using Matches = std::vector<std::optional<std::size_t>>;

TEST_CASE("box IoU: overlaps counted in pixels") {
  CHECK(box_iou({0, 0, 10, 10}, {0, 0, 10, 10}) == 1);
  CHECK(box_iou({0, 0, 10, 10}, {5, 0, 10, 10}) == doctest::Approx(50.0 / 150));
  CHECK(box_iou({0, 0, 4, 4}, {1, 1, 2, 2}) == doctest::Approx(4.0 / 16));
  CHECK(box_iou({0, 0, 10, 10}, {10, 0, 10, 10}) == 0);
  CHECK(box_iou({0, 0, 10, 10}, {20, 20, 1, 1}) == 0);
  CHECK(box_iou({0, 0, 100'000, 100'000}, {0, 0, 100'000, 50'000}) == doctest::Approx(0.5));
}

TEST_CASE("matching: an IoU of exactly the limit is enough") {
  const Box truth[] = {{0, 0, 10, 10}};
  const ScoredBox seven[] = {{{0, 0, 7, 10}, 0.5}}, five[] = {{{0, 0, 5, 10}, 0.5}};
  CHECK(match_boxes(truth, seven, 0.7) == Matches{0});
  CHECK(match_boxes(truth, five, 0.5) == Matches{0});
  CHECK(match_boxes(truth, five, 0.51) == Matches{std::nullopt});
}

TEST_CASE("matching: one to one, the surest detection chooses first, whatever the order given") {
  const Box truth[] = {{0, 0, 10, 10}};
  const ScoredBox detections[] = {{{0, 0, 10, 10}, 0.6}, {{0, 0, 9, 10}, 0.9}};
  CHECK(match_boxes(truth, detections, 0.5) == Matches{std::nullopt, 0});
}

TEST_CASE("matching: the best free box is taken, not the best of all") {
  const Box truth[] = {{0, 0, 10, 10}, {4, 0, 10, 10}};
  // Both detections overlap the second true box most; the surer takes it, the other falls back on the first.
  const ScoredBox detections[] = {{{3, 0, 10, 10}, 0.5}, {{4, 0, 10, 10}, 0.9}};
  CHECK(match_boxes(truth, detections, 0.5) == Matches{0, 1});
  CHECK(match_boxes(truth, detections, 0.7) == Matches{std::nullopt, 1});
}

TEST_CASE("matching: of equals the earlier") {
  const Box truth[] = {{0, 0, 10, 10}, {0, 0, 10, 10}};
  const ScoredBox detections[] = {{{0, 0, 10, 10}, 0.5}, {{0, 0, 10, 10}, 0.5}, {{0, 0, 10, 10}, 0.5}};
  CHECK(match_boxes(truth, detections, 0.5) == Matches{0, 1, std::nullopt});
  CHECK(match_boxes({}, detections, 0.5) == Matches{std::nullopt, std::nullopt, std::nullopt});
  CHECK(match_boxes(truth, {}, 0.5).empty());
}

TEST_CASE("average precision: precision at each hit, over the cells there are") {
  // In order of scores: hit, miss, hit, hit, of 4 cells: 1/1 + 2/3 + 3/4.
  CHECK(average_precision({{0.2, true}, {0.9, true}, {0.5, true}, {0.7, false}}, 4) ==
        doctest::Approx((1 + 2.0 / 3 + 3.0 / 4) / 4));
  CHECK(average_precision({{0.9, true}, {0.8, true}}, 2) == 1);
  CHECK(average_precision({{0.9, false}}, 2) == 0);
  CHECK(average_precision({}, 2) == 0);
  CHECK(std::isnan(average_precision({{0.9, false}}, 0)));
}

TEST_CASE("average precision: equal scores keep the order given") {
  CHECK(average_precision({{0.5, true}, {0.5, false}}, 1) == 1);
  CHECK(average_precision({{0.5, false}, {0.5, true}}, 1) == doctest::Approx(0.5));
}

TEST_CASE("detection scores: counts and shares, whatever the scores") {
  const DetectionScores scores = detection_scores({{0.1, true}, {0.9, false}, {0.3, true}}, 5);
  CHECK(scores.true_positives == 2);
  CHECK(scores.false_positives == 1);
  CHECK(scores.false_negatives == 3);
  CHECK(scores.precision == doctest::Approx(2.0 / 3));
  CHECK(scores.recall == doctest::Approx(2.0 / 5));
  CHECK(scores.f1 == doctest::Approx(2 * (2.0 / 3) * (2.0 / 5) / (2.0 / 3 + 2.0 / 5)));
  CHECK(scores.average_precision == doctest::Approx((1.0 / 2 + 2.0 / 3) / 5));
  CHECK(std::isnan(detection_scores({}, 0).f1));
}
