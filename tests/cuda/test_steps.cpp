// What the CUDA backend makes of neighbouring layers.
#include <doctest/doctest.h>

#include <set>

#include "engine/cuda/backend.h"
#include "tests/engine/building.h"
#include "tests/engine/error_bound.h"
#include "tests/ops/compare.h"

namespace giemsa {

namespace {

/// Runs the graph in `precision` and holds its outputs to the references, within the bound on what rounding does.
/// Returns the values that the session showed.
std::set<std::string> check_on_gpu(DType precision, const Graph& graph, const Tensor& input) {
  CudaOptions options;
  options.precision = precision;
  const auto session = make_cuda_backend(options)->compile(graph);
  std::set<std::string> seen;
  session->observe([&](const Value& value, const Tensor&) { seen.insert(value.name); });
  const void* inputs[] = {input.bytes().data()};
  session->run(inputs);
  const std::vector<test::Bounded> expected = test::evaluate(graph, {&input, 1}, precision);
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const test::Bounded& bounded = expected[index_of(graph.outputs()[i])];
    CHECK_MESSAGE(test::slack(bounded) < 0.5, "the bound allows almost anything");
    test::check_close(
        session->output<float>(i), std::span(bounded.value), [&](std::size_t k) { return bounded.error[k]; },
        cat("output ", i, " in ", precision));
  }
  return seen;
}

Conv2d depthwise(std::int64_t channels, std::int64_t dilation = 1) {
  Conv2d op = test::square(channels, 3, 1, dilation);
  op.groups = channels;
  return op;
}

}  // namespace

TEST_CASE("a pointwise convolution takes in the depthwise one before it, in fp16 where nobody else looks at it") {
  test::Net net;
  const ValueId x = net.input("x", {1, 64, 14, 14});
  const ValueId spread = net.conv("depthwise", x, depthwise(64, 2), true);
  const ValueId mixed = net.relu("relu", net.norm("norm", net.conv("pointwise", spread, test::square(64, 1))));
  ValueId last = net.conv("last", mixed, test::square(16, 1));
  bool looked_at = false;
  SUBCASE("taken in") {}
  SUBCASE("two readers") {
    last = net.concat("both", {last, spread});
    looked_at = true;
  }
  net.output(last);
  const Tensor input = ref::random_tensor({1, 64, 14, 14}, 77);
  const auto half = check_on_gpu(DType::f16, net.graph, input), full = check_on_gpu(DType::f32, net.graph, input);
  CHECK(half.contains("depthwise") == looked_at);
  CHECK(full.contains("depthwise"));
  CHECK(half.contains("relu"));
}

TEST_CASE("three atrous branches of one input, with other layers between them") {
  test::Net net;
  const ValueId x = net.input("x", {1, 24, 13, 17});
  const ValueId features = net.relu("features", x);
  std::vector<ValueId> branches;
  for (const std::int64_t rate : {2, 5, 20}) {
    const ValueId spread = net.conv("branch" + std::to_string(rate), features, depthwise(24, rate), true);
    // 12 channels are no whole vectors: the concatenation's slots are copied to.
    branches.push_back(net.conv("mix" + std::to_string(rate), spread, test::square(12, 1)));
  }
  net.output(net.conv("last", net.concat("joined", branches), test::square(10, 3)));
  const Tensor input = ref::random_tensor({1, 24, 13, 17}, 78);
  check_on_gpu(DType::f32, net.graph, input);
  check_on_gpu(DType::f16, net.graph, input);
}

TEST_CASE("channels of any number, and results that several read") {
  test::Net net;
  const ValueId x = net.input("x", {2, 5, 9, 7});
  const ValueId a = net.conv("a", x, test::square(7, 3), true);
  const ValueId b = net.relu("b", net.add("sum", a, net.conv("c", a, test::square(7, 3))));
  const ValueId pooled = net.graph.add("pool", MaxPool{{3, 3}, {2, 2}, {1, 1}}, {net.concat("joined", {a, b, x})});
  net.output(net.linear("rows", net.graph.add("flatten", Flatten{}, {pooled}), 13));
  net.output(b);
  const Tensor input = ref::random_tensor({2, 5, 9, 7}, 79);
  check_on_gpu(DType::f32, net.graph, input);
  check_on_gpu(DType::f16, net.graph, input);
}

TEST_CASE("rows of any number") {
  test::Net net;
  const ValueId x = net.input("x", {2, 5, 3, 2});
  const ValueId rows = net.graph.add("flatten", Flatten{}, {x});
  net.output(net.linear("second", net.relu("active", net.linear("first", rows, 13)), 3));
  const Tensor input = ref::random_tensor({2, 5, 3, 2}, 80);
  check_on_gpu(DType::f32, net.graph, input);
  check_on_gpu(DType::f16, net.graph, input);
}

}  // namespace giemsa
