// DistanceTransform, Basins and MergeBasins against their definitions.
#include "nets/onnx/export.h"
#include "tests/contract/contract.h"
#include "tests/contract/label_tensors.h"
#include "tests/engine/error_text.h"
#include "tests/ops/split_cases.h"
#include "tests/ref/split.h"

namespace giemsa {

namespace {

using contract::plane;

/// What each of the ops is given, and has to give.
struct Expected {
  Tensor labels, regions, distances, basins, parts, table;
};

Expected expected_of(const test::SplitCase& c, MergeBasins& op) {
  const ref::MaskPixels cleaned = ref::area_open(ref::fill_holes(c.mask, c.size), c.size, op.min_area);
  std::vector<std::int32_t> labels, parts;
  const std::int32_t count = ref::label(cleaned, c.size, 0, labels);
  op.capacity = max_regions(c.size.h, c.size.w, op.min_area);
  const std::vector<std::int32_t> distances = ref::distance_transform(labels, c.size, op.step);
  const std::vector<std::int32_t> basins = ref::basins(labels, c.size, op.step, distances);
  const std::int32_t part_count = ref::merge_basins(labels, c.size, op, distances, basins, parts);
  const std::int64_t h = (c.size.h + op.step - 1) / op.step, w = (c.size.w + op.step - 1) / op.step;
  return {plane(labels, c.size.h, c.size.w),
          contract::region_table(labels, c.size, op.capacity, count),
          plane(distances, h, w),
          plane(basins, h, w),
          plane(parts, c.size.h, c.size.w),
          contract::region_table(parts, c.size, op.capacity, part_count)};
}

/// Each case with the operation that parts it and everything expected of it.
template <class Check>
void for_each_case(const Check& check) {
  for (const test::SplitCase& c : test::split_cases()) {
    MergeBasins op = c.op;
    const Expected expected = expected_of(c, op);
    check(c.name, op, expected);
  }
}

}  // namespace

GIEMSA_CONTRACT(DistanceTransform) {
  for_each_case([](const std::string& name, const MergeBasins& op, const Expected& e) {
    contract::check({name, DistanceTransform{op.step}, {e.labels}, {e.distances}});
  });
}

GIEMSA_CONTRACT(Basins) {
  for_each_case([](const std::string& name, const MergeBasins& op, const Expected& e) {
    contract::check({name, giemsa::Basins{op.step}, {e.labels, e.distances}, {e.basins}});
  });
}

GIEMSA_CONTRACT(MergeBasins) {
  for_each_case([](const std::string& name, const MergeBasins& op, const Expected& e) {
    contract::check({name, op, {e.labels, e.regions, e.distances, e.basins}, {e.parts, e.table}});
  });
}

TEST_CASE("parting refuses what does not fit, by layer") {
  const TensorType labels{DType::i32, {1, 1, 9, 8}}, grid{DType::i32, {1, 1, 3, 2}}, table{DType::i32, {4, 10}};
  const TensorType mask{DType::u8, {1, 1, 9, 8}}, wide{DType::i32, {1, 1, 1, 4 * 32767}};
  CHECK(contract::refusal(DistanceTransform{}, {mask}, {"a"}) ==
        "layer layer (distance_transform): takes int32 labels");
  CHECK(
      test::contains(contract::refusal(DistanceTransform{0}, {labels}, {"a"}), "step must lie between 1 and 64, is 0"));
  CHECK(test::contains(contract::refusal(DistanceTransform{}, {wide}, {"a"}),
                       "a grid of 32767 columns is wider than 32766"));
  CHECK(test::contains(contract::refusal(Basins{}, {labels, labels}, {"a"}), "distances must be int32 {1,1,3,2}"));
  const auto merge = [&](MergeBasins op, const TensorType& regions) {
    op.capacity = 3;
    return contract::refusal(op, {labels, regions, grid, grid}, {"a", "b"});
  };
  CHECK(test::contains(merge({}, grid), "regions must be int32 {4,10}"));
  CHECK(test::contains(merge({.depth = 101}, table), "depth must lie between 0 and 100 percent, is 101"));
  CHECK(test::contains(merge({.min_area = -1}, table), "min_area must not be negative, is -1"));
}

TEST_CASE("parting has no ONNX twin, and says so") {
  Graph graph;
  const ValueId labels = graph.input("labels", {DType::i32, {1, 1, 9, 8}});
  graph.mark_output(graph.add("distances", DistanceTransform{}, {labels}));
  CHECK(test::error_of(ErrorKind::internal, [&] {
          (void)to_onnx(graph, {});
        }).starts_with("distances: distance_transform is no part of a network and has no ONNX twin"));
}

}  // namespace giemsa
