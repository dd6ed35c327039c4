// What the CUDA backend makes of neighbouring layers.
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "engine/cpu/backend.h"
#include "engine/cuda/backend.h"
#include "tests/engine/building.h"

namespace giemsa {

namespace {

struct Observed {
  std::set<std::string> seen;  ///< values that the session showed
  std::vector<float> output;
};

Observed run(Backend& backend, const Graph& graph, const Tensor& input) {
  Observed result;
  const auto session = backend.compile(graph);
  session->observe([&](const Node& node, const Tensor&) { result.seen.insert(node.value); });
  const void* inputs[] = {input.bytes().data()};
  session->run(inputs);
  result.output.assign(session->output<float>().begin(), session->output<float>().end());
  return result;
}

std::shared_ptr<Backend> gpu(DType precision) {
  CudaOptions options;
  options.precision = precision;
  return make_cuda_backend(options);
}

Conv2d depthwise(std::int64_t channels, std::int64_t dilation = 1) {
  Conv2d op = test::square(channels, 3, 1, dilation);
  op.groups = channels;
  return op;
}

void check_close(const Observed& actual, const Observed& expected, double tolerance) {
  REQUIRE(actual.output.size() == expected.output.size());
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < actual.output.size(); ++i) {
    const double error = std::abs(double{actual.output[i]} - expected.output[i]);
    if (!(error <= worst)) worst = error;  // a NaN stays
    largest = std::max<double>(largest, std::abs(expected.output[i]));
  }
  CHECK_MESSAGE(!!(worst <= tolerance * largest), "off by ", worst, " of ", largest);
}

// A layer rounds its input, its weights and its result to fp16; sums of a few hundred products are fp32.
constexpr double fp16_layer = 4 * 0x1p-11, fp32_layer = 400 * 0x1p-24;

}  // namespace

TEST_CASE("a pointwise convolution takes in the depthwise one before it, in fp16 where nobody else looks at it") {
  test::Net net;
  const NodeId x = net.input("x", {1, 64, 14, 14});
  const NodeId spread = net.conv("depthwise", x, depthwise(64, 2), true);
  const NodeId mixed = net.relu("relu", net.norm("norm", net.conv("pointwise", spread, test::square(64, 1))));
  NodeId last = net.conv("last", mixed, test::square(16, 1));
  bool looked_at = false;
  SUBCASE("taken in") {}
  SUBCASE("two readers") {
    last = net.concat("both", {last, spread});
    looked_at = true;
  }
  net.output(last);
  const Tensor input = ref::random_tensor({1, 64, 14, 14}, 77);
  const Observed expected = run(*make_cpu_backend({.threads = 1}), net.graph, input);
  const Observed half = run(*gpu(DType::f16), net.graph, input), full = run(*gpu(DType::f32), net.graph, input);
  CHECK(half.seen.contains("depthwise") == looked_at);
  CHECK(full.seen.contains("depthwise"));
  CHECK(half.seen.contains("relu"));
  check_close(half, expected, 3 * fp16_layer);
  check_close(full, expected, 3 * fp32_layer);
}

TEST_CASE("three atrous branches of one input, with other layers between them") {
  test::Net net;
  const NodeId x = net.input("x", {1, 24, 13, 17});
  const NodeId features = net.relu("features", x);
  std::vector<NodeId> branches;
  for (const std::int64_t rate : {2, 5, 20}) {
    const NodeId spread = net.conv("branch" + std::to_string(rate), features, depthwise(24, rate), true);
    // 12 channels are no whole vectors: the concatenation's slots are copied to.
    branches.push_back(net.conv("mix" + std::to_string(rate), spread, test::square(12, 1)));
  }
  net.output(net.conv("last", net.concat("joined", branches), test::square(10, 3)));
  const Tensor input = ref::random_tensor({1, 24, 13, 17}, 78);
  const Observed expected = run(*make_cpu_backend({.threads = 1}), net.graph, input);
  check_close(run(*gpu(DType::f32), net.graph, input), expected, 4 * fp32_layer);
  check_close(run(*gpu(DType::f16), net.graph, input), expected, 4 * fp16_layer);
}

TEST_CASE("channels and rows of any number, and results that several read") {
  test::Net net;
  const NodeId x = net.input("x", {2, 5, 9, 7});
  const NodeId a = net.conv("a", x, test::square(7, 3), true);
  const NodeId b = net.relu("b", net.add("sum", a, net.conv("c", a, test::square(7, 3))));
  const NodeId pooled = net.graph.add("pool", MaxPool{{3, 3}, {2, 2}, {1, 1}}, {net.concat("joined", {a, b, x})});
  const NodeId rows = net.graph.add("flatten", Flatten{}, {pooled});
  net.output(net.linear("second", net.relu("active", net.linear("first", rows, 13)), 3));
  net.output(b);
  const Tensor input = ref::random_tensor({2, 5, 9, 7}, 79);
  const auto cpu = make_cpu_backend({.threads = 1});
  const Observed expected = run(*cpu, net.graph, input);
  check_close(run(*gpu(DType::f32), net.graph, input), expected, 5 * fp32_layer);
  check_close(run(*gpu(DType::f16), net.graph, input), expected, 5 * fp16_layer);
}

}  // namespace giemsa
