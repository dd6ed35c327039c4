// MaxPool and AdaptiveAvgPool against their references.
#include <limits>

#include "tests/contract/contract.h"
#include "tests/ops/adaptive_avg_pool_cases.h"
#include "tests/ops/max_pool_cases.h"
#include "tests/ref/adaptive_avg_pool.h"
#include "tests/ref/max_pool.h"
#include "tests/ref/random.h"

namespace giemsa {

GIEMSA_CONTRACT(MaxPool) {
  for (const test::MaxPoolCase& item : test::max_pool_cases()) {
    SUBCASE(item.name.c_str()) {
      const std::vector<Tensor> inputs{ref::random_tensor(item.input, 1, -3, -1)};  // a padding of 0 would win
      const ref::Reference expected = ref::max_pool(inputs[0], item.op);
      CHECK(expected.shape == Shape{item.input[0], item.input[1], item.output.h, item.output.w});
      const auto add = [&](Graph& graph, const std::vector<ValueId>& in) { return graph.add("pool", item.op, in); };
      contract::check_op(item.name, add, inputs, expected);
    }
  }
}

// Of either sign (x86 makes negative ones), in the channels of whole vectors and beyond them, and of its own channel
// alone.
TEST_CASE("max_pool passes a NaN on, wherever in the window it is") {
  constexpr std::size_t channels = 49;
  const Shape shape{1, channels, 2, 2};
  for (const DType precision : {DType::f32, DType::bf16}) {
    if (precision == DType::bf16 && !cpu_facts().fast_bf16) continue;
    Graph graph;
    const ValueId x = graph.input("x", {DType::f32, shape}), zero = graph.input("zero", {DType::f32, shape});
    // A sum is stored in the network's precision.
    graph.mark_output(graph.add("pool", MaxPool{{2, 2}, {2, 2}}, {graph.add("sum", Add{}, {x, zero})}));
    const Tensor zeros = Tensor::from(shape, std::vector<float>(channels * 4));
    for (const float nan : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN()})
      for (const std::size_t channel : {0u, 31u, 40u, 48u})
        for (std::size_t position = 0; position < 4; ++position) {
          std::vector<float> values;
          for (std::size_t c = 0; c < channels; ++c)
            for (const float value : {1.0f, 2.0f, 3.0f, 4.0f}) values.push_back(c % 2 == 0 ? value : -value);
          values[channel * 4 + position] = nan;
          const std::vector<Tensor> inputs{Tensor::from(shape, values), zeros};
          const std::vector<float> pooled = test::run(test::cpu(precision), graph, inputs)[0];
          for (std::size_t c = 0; c < channels; ++c) {
            if (c == channel)
              CHECK(std::isnan(pooled[c]));
            else
              CHECK(pooled[c] == (c % 2 == 0 ? 4.0f : -1.0f));
          }
        }
  }
}

GIEMSA_CONTRACT(AdaptiveAvgPool) {
  for (const test::AdaptiveAvgPoolCase& item : test::adaptive_avg_pool_cases()) {
    SUBCASE(item.name.c_str()) {
      const std::vector<Tensor> inputs{ref::random_tensor(item.input, 1)};
      const auto add = [&](Graph& graph, const std::vector<ValueId>& in) { return graph.add("pool", item.op, in); };
      contract::check_op(item.name, add, inputs, ref::adaptive_avg_pool(inputs[0], item.op));
    }
  }
}

}  // namespace giemsa
