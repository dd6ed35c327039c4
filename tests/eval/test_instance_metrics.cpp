// Cells that touch, matched one by one; every expected value is worked out by hand.
#include "tools/eval/instance_metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <string_view>

using namespace giemsa;
using namespace giemsa::eval;
using doctest::Approx;

namespace {

/// Digits number cells, '.' is background.
Labels labels_of(std::initializer_list<std::string_view> rows) {
  Labels labels(static_cast<int>(rows.begin()->size()), static_cast<int>(rows.size()));
  int y = 0;
  for (const std::string_view row : rows) {
    REQUIRE(static_cast<int>(row.size()) == labels.width);
    for (int x = 0; x < labels.width; ++x) {
      const char digit = row[static_cast<std::size_t>(x)];
      labels.at(x, y) = digit == '.' ? std::uint16_t{0} : static_cast<std::uint16_t>(digit - '0');
    }
    ++y;
  }
  return labels;
}

}  // namespace

TEST_CASE("instances: what is found as it is scores one throughout") {
  const Labels truth = labels_of({"11.22", "11.22", ".....", "33344"});
  const Labels found = labels_of({"77.33", "77.33", ".....", "44455"});  // numbers do not matter
  const InstanceTally tally = count_instances(truth, found);
  CHECK(tally.truths == 4);
  CHECK(tally.single_cells == 2);
  CHECK(tally.touching_pairs == 1);
  const InstanceScores s = instance_scores(tally);
  for (const double ap : s.ap) CHECK(ap == 1);
  CHECK(s.panoptic_quality == 1);
  CHECK(s.segmentation_quality == 1);
  CHECK(s.recognition_quality == 1);
  CHECK(s.aji_plus == 1);
  CHECK(s.false_splits_per_100 == 0);
  CHECK(s.missed_splits_per_100 == 0);
  CHECK(s.count_error == 0);
}

TEST_CASE("instances: a cell of ten pixels of which eight are found, one missed and one too many") {
  const Labels truth = labels_of({"1111111111", "..........", "2222......", ".........."});
  const Labels found = labels_of({"11111111..", "..........", "..........", "......2222"});
  // IoU 8 / 10; TP 1, FN 1, FP 1.
  const InstanceScores s = instance_scores(count_instances(truth, found));
  CHECK(s.ap[0] == Approx(1.0 / 3));
  CHECK(s.ap[1] == Approx(1.0 / 3));
  CHECK(s.ap[2] == 0);
  CHECK(s.panoptic_quality == Approx(0.8 / 2));
  CHECK(s.segmentation_quality == Approx(0.8));
  CHECK(s.recognition_quality == Approx(0.5));
  CHECK(s.aji_plus == Approx(8.0 / (10 + 4 + 4)));
  CHECK(s.count_error == 0);
}

TEST_CASE("instances: at an IoU of a half exactly, one found cell counts, and panoptic quality counts none") {
  const InstanceScores s = instance_scores(count_instances(labels_of({"1111"}), labels_of({"1122"})));
  CHECK(s.ap[0] == Approx(1.0 / 2));  // TP 1, FP 1
  CHECK(s.panoptic_quality == 0);
  CHECK(std::isnan(s.segmentation_quality));
  CHECK(s.aji_plus == Approx(2.0 / (4 + 2)));
  CHECK(s.false_splits_per_100 == 100);
  CHECK(s.count_error == 1);
}

TEST_CASE("instances: false splits are of single cells, missed ones of pairs that touch") {
  //                             a pair found as one   a single cell in two   a pair found as two
  const Labels truth = labels_of({"111222....333333....4455", "111222....333333....4455"});
  const Labels found = labels_of({"111111....222333....4455", "111111....222333....4455"});
  const InstanceTally tally = count_instances(truth, found);
  CHECK(tally.touching_pairs == 2);
  CHECK(tally.missed_splits == 1);
  CHECK(tally.single_cells == 1);
  CHECK(tally.false_splits == 1);
  CHECK(tally.truths == 5);
  CHECK(tally.found == 5);
  const InstanceScores s = instance_scores(tally);
  CHECK(s.missed_splits_per_100 == 50);
  CHECK(s.false_splits_per_100 == 100);
}

TEST_CASE("instances: a corner is enough to touch, and a crumb is no split") {
  const InstanceTally corner = count_instances(labels_of({"11..", "..22"}), labels_of({"11..", "..22"}));
  CHECK(corner.touching_pairs == 1);
  CHECK(corner.single_cells == 0);
  // Of the second found cell only half lies in the true one.
  const InstanceTally crumb = count_instances(labels_of({"111111.."}), labels_of({"1111.22."}));
  CHECK(crumb.false_splits == 0);
  const InstanceTally half = count_instances(labels_of({"111111.."}), labels_of({"11111.22"}));
  CHECK(half.single_cells == 1);
  CHECK(half.false_splits == 0);
}

TEST_CASE("instances: AJI+ pairs for the greatest sum of IoU, where each for itself would take the best") {
  const Labels truth = labels_of({"1111222"}), found = labels_of({"2111133"});
  // True 1 shares three pixels with found 1 (IoU 3/5) and one with found 2 (1/4); true 2 shares one with found 1 (1/7)
  // and two with found 3 (2/3).
  const InstanceTally tally = count_instances(truth, found);
  CHECK(tally.paired_pixels == 3 + 2);
  CHECK(tally.union_pixels == 5 + 3 + 1);
  CHECK(instance_scores(tally).aji_plus == Approx(5.0 / 9));
}

TEST_CASE("assign: the greatest sum, one to one, and nothing for nothing") {
  const auto a = assign({5, 4, 4, 1}, 2);  // greedy takes 5 + 1
  CHECK(a[0] == 1u);
  CHECK(a[1] == 0u);
  const auto wide = assign({0, 0, 7, 3, 0, 8}, 3);
  CHECK(wide[0] == 2u);
  CHECK(wide[1] == 0u);
  const auto tall = assign({1, 0, 2}, 1);
  CHECK(!tall[0]);
  CHECK(!tall[1]);
  CHECK(tall[2] == 0u);
  CHECK(assign({}, 0).empty());
}

TEST_CASE("instances: images without cells") {
  const Labels empty(3, 2), one = labels_of({"1..", "..."});
  const InstanceScores none = instance_scores(count_instances(empty, empty));
  CHECK(std::isnan(none.ap[0]));
  CHECK(std::isnan(none.aji_plus));
  CHECK(instance_scores(count_instances(one, empty)).ap[0] == 0);
  CHECK(instance_scores(count_instances(one, empty)).count_error == 1);
  CHECK(instance_scores(count_instances(empty, one)).ap[0] == 0);
}

TEST_CASE("instances: images add up") {
  InstanceTally sum = count_instances(labels_of({"1111"}), labels_of({"1122"}));
  sum += count_instances(labels_of({"11.2"}), labels_of({"11.."}));
  const InstanceScores s = instance_scores(sum);
  CHECK(s.ap[0] == Approx(2.0 / 4));        // TP 2, FP 1, FN 1
  CHECK(s.count_error == Approx(2.0 / 3));  // one too many, one too few
  CHECK(s.panoptic_quality == Approx(1.0 / 3));
}
