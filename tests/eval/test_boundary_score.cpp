// Boundaries drawn, and scores of rectangles whose distances are known.
#include <cmath>

#include "tests/eval/masks.h"
#include "tools/eval/boundary_score.h"

using namespace giemsa;
using namespace giemsa::eval;
using giemsa::test::mask_of;
using giemsa::test::rectangle;

TEST_CASE("boundary: the mask minus its erosion by a plus, corners of its inside stay inside") {
  const Mask mask = mask_of({".......",  //
                             ".#####.",  //
                             ".#####.",  //
                             ".#####.",  //
                             ".###...",  //
                             "......."});
  const Mask expected = mask_of({".......",  //
                                 ".#####.",  //
                                 ".#...#.",  //
                                 ".#..##.",  //
                                 ".###...",  //
                                 "......."});
  CHECK(boundary(mask).pixels == expected.pixels);
}

TEST_CASE("boundary: the image's edge is none") {
  CHECK(boundary(mask_of({"###", "###", "###"})).pixels == Mask(3, 3).pixels);
  CHECK(boundary(mask_of({"##.", "##.", "##."})).pixels == mask_of({".#.", ".#.", ".#."}).pixels);
  CHECK(boundary(mask_of({"#"})).pixels == Mask(1, 1).pixels);
}

TEST_CASE("boundary score: equal masks score 1, masks far apart 0, nothing nothing") {
  const Mask cell = rectangle(64, 48, 10, 12, 9, 7), other = rectangle(64, 48, 40, 30, 9, 7), none(64, 48);
  CHECK(boundary_f1(cell, cell) == 1);
  CHECK(boundary_f1(cell, other) == 0);
  CHECK(boundary_f1(cell, none) == 0);
  CHECK(boundary_f1(none, cell) == 0);
  CHECK(std::isnan(boundary_f1(none, none)));
  CHECK(std::isnan(mean_boundary_f1(none, none)));
  CHECK(mean_boundary_f1(cell, none) == 0);
}

// At 640 x 480 the diagonal has 800 pixels and the limit is 6: what is exactly 6 away does not match. A pixel alone is
// all its boundary.
TEST_CASE("boundary score: the limit itself is too far, along a row, a column and aslant") {
  const Mask truth = rectangle(640, 480, 300, 200, 1, 1);
  const auto score_at = [&](int dx, int dy) {
    return boundary_f1(truth, rectangle(640, 480, 300 + dx, 200 + dy, 1, 1));
  };
  for (const int sign : {-1, 1}) {
    CHECK(score_at(5 * sign, 0) == 1);
    CHECK(score_at(6 * sign, 0) == 0);
    CHECK(score_at(0, 5 * sign) == 1);
    CHECK(score_at(0, 6 * sign) == 0);
    CHECK(score_at(4 * sign, 4) == 1);  // the square root of 32
    CHECK(score_at(5 * sign, 3) == 1);  // of 34
    CHECK(score_at(5 * sign, 4) == 0);  // of 41
  }
}

TEST_CASE("boundary score: precision and recall are shares of each boundary") {
  // Predicted: the true pixel and three more, of which one is near. Precision 2/4, recall 1.
  const Mask truth = rectangle(640, 480, 100, 100, 1, 1);
  Mask predicted = truth;
  predicted.at(103, 100) = predicted.at(200, 200) = predicted.at(300, 300) = 1;
  CHECK(boundary_f1(truth, predicted) == doctest::Approx(2 * 0.5 * 1 / 1.5));
  CHECK(boundary_f1(predicted, truth) == doctest::Approx(2 * 0.5 * 1 / 1.5));
}

// A small image's limit is below a pixel: only boundaries that coincide match.
TEST_CASE("boundary score: both classes count, each with its own boundary") {
  const Mask truth = rectangle(33, 31, 8, 8, 4, 1), predicted = rectangle(33, 31, 8, 8, 5, 1);
  const double cells = 2 * (4.0 / 5) * 1 / (4.0 / 5 + 1);
  CHECK(boundary_f1(truth, predicted) == doctest::Approx(cells));
  // Background next to a row of n pixels: n above, n below, one at each end. 4: 10, 5: 12. Shared: 4 + 4 and the left
  // end.
  const double precision = 9.0 / 12, recall = 9.0 / 10, background = 2 * precision * recall / (precision + recall);
  CHECK(mean_boundary_f1(truth, predicted) == doctest::Approx((cells + background) / 2));
}
