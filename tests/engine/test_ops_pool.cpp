// MaxPool and AdaptiveAvgPool on the CPU against their references.
#include <limits>

#include "tests/engine/running.h"
#include "tests/ops/adaptive_avg_pool_cases.h"
#include "tests/ops/max_pool_cases.h"
#include "tests/ref/adaptive_avg_pool.h"
#include "tests/ref/max_pool.h"
#include "tests/ref/random.h"

namespace giemsa {

TEST_CASE("max_pool on the CPU") {
  for (const test::MaxPoolCase& item : test::max_pool_cases()) {
    SUBCASE(item.name.c_str()) {
      const std::vector<Tensor> inputs{ref::random_tensor(item.input, 1, -3, -1)};  // a padding of 0 would win
      const ref::Reference expected = ref::max_pool(inputs[0], item.op);
      CHECK(expected.shape == Shape{item.input[0], item.input[1], item.output.h, item.output.w});
      const auto add = [&](Graph& graph, const std::vector<NodeId>& in) { return graph.add("pool", item.op, in); };
      test::check_op("max_pool on the CPU", item.name, add, inputs, expected);
    }
  }
}

TEST_CASE("max_pool passes a NaN on, wherever in the window it is") {
  for (std::size_t position = 0; position < 4; ++position) {
    std::vector<float> values{1, 2, 3, 4};
    values[position] = std::numeric_limits<float>::quiet_NaN();
    Graph graph;
    const NodeId x = graph.input("x", {DType::f32, {1, 1, 2, 2}});
    graph.mark_output(graph.add("pool", MaxPool{{2, 2}, {2, 2}}, {x}));
    const std::vector<Tensor> inputs{Tensor::from({1, 1, 2, 2}, values)};
    CHECK(std::isnan(test::run(test::cpu(), graph, inputs)[0][0]));
  }
}

TEST_CASE("adaptive_avg_pool on the CPU") {
  for (const test::AdaptiveAvgPoolCase& item : test::adaptive_avg_pool_cases()) {
    SUBCASE(item.name.c_str()) {
      const std::vector<Tensor> inputs{ref::random_tensor(item.input, 1)};
      const auto add = [&](Graph& graph, const std::vector<NodeId>& in) { return graph.add("pool", item.op, in); };
      test::check_op("adaptive_avg_pool on the CPU", item.name, add, inputs,
                     ref::adaptive_avg_pool(inputs[0], item.op));
    }
  }
}

}  // namespace giemsa
