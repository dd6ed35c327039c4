// CentrePeaks and AssignCentres against their definitions.
#include "tests/contract/contract.h"
#include "tests/contract/label_tensors.h"
#include "tests/engine/error_text.h"
#include "tests/ops/centre_cases.h"

namespace giemsa {

namespace {

using contract::plane;

struct ExpectedCentres {
  Tensor labels, regions, head, peaks, basins;
  std::int64_t capacity;
};

ExpectedCentres expected_of(const test::CentreCase& c) {
  const ref::MaskPixels cleaned = ref::area_open(ref::fill_holes(c.mask, c.size), c.size, c.min_area);
  std::vector<std::int32_t> labels;
  const std::int32_t count = ref::label(cleaned, c.size, 0, labels);
  const std::int64_t capacity = max_regions(c.size.h, c.size.w, c.min_area);
  const std::vector<std::int32_t> peaks =
      ref::centre_peaks(labels, c.size, c.head, {.step = c.step, .reach = c.reach, .least = c.least});
  const std::vector<std::int32_t> basins = ref::assign_centres(labels, c.size, peaks, c.head, c.step);
  const std::int64_t h = (c.size.h + c.step - 1) / c.step, w = (c.size.w + c.step - 1) / c.step;
  return {plane(labels, c.size.h, c.size.w),
          contract::region_table(labels, c.size, capacity, count),
          Tensor::from({1, 3, c.head.size.h, c.head.size.w}, std::vector(c.head.values)),
          plane(peaks, h, w),
          plane(basins, h, w),
          capacity};
}

template <class Check>
void for_each_centre_case(const Check& check) {
  for (const test::CentreCase& c : test::centre_cases(true)) check(c, expected_of(c));
}

}  // namespace

GIEMSA_CONTRACT(CentrePeaks) {
  for_each_centre_case([](const test::CentreCase& c, const ExpectedCentres& e) {
    contract::check({c.name, giemsa::CentrePeaks{c.step, c.reach, c.least}, {e.labels, e.head}, {e.peaks}});
  });
}

GIEMSA_CONTRACT(AssignCentres) {
  for_each_centre_case([](const test::CentreCase& c, const ExpectedCentres& e) {
    contract::check(
        {c.name, giemsa::AssignCentres{c.step, e.capacity}, {e.labels, e.regions, e.peaks, e.head}, {e.basins}});
  });
}

TEST_CASE("telling cells apart by centres refuses what does not fit, by layer") {
  const TensorType labels{DType::i32, {1, 1, 9, 8}}, grid{DType::i32, {1, 1, 3, 2}}, table{DType::i32, {4, 10}};
  const TensorType head{DType::f32, {1, 3, 2, 2}}, logits{DType::f32, {1, 2, 2, 2}},
      long_head{DType::f32, {1, 3, 1, 32769}};
  const auto peaks = [&](CentrePeaks op, const TensorType& of) { return contract::refusal(op, {labels, of}, {"a"}); };
  CHECK(test::contains(peaks({}, logits), "a centre head gives {1,3,h,w}, not {1,2,2,2}"));
  CHECK(test::contains(peaks({}, long_head), "sides lie between 1 and 32768"));
  CHECK(test::contains(peaks({.reach = 0}, head), "reach must lie between 1 and 64, is 0"));
  CHECK(test::contains(peaks({.least = 0}, head), "least must lie between 0 and 1, is 0"));
  CHECK(test::contains(peaks({.step = 65}, head), "step must lie between 1 and 64, is 65"));
  const auto assign = [&](const TensorType& regions, const TensorType& of) {
    return contract::refusal(AssignCentres{.capacity = 3}, {labels, regions, of, head}, {"a"});
  };
  CHECK(test::contains(assign(grid, grid), "regions must be int32 {4,10}"));
  CHECK(test::contains(assign(table, labels), "peaks must be int32 {1,1,3,2}"));
}

}  // namespace giemsa
