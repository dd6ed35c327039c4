// Conv2d against its reference.
#include "tests/contract/contract.h"
#include "tests/ops/conv2d_cases.h"
#include "tests/ref/conv2d.h"
#include "tests/ref/random.h"

namespace giemsa {

namespace {

struct Conv2dData {
  std::vector<Tensor> inputs;
  Weights weights;
  ref::Reference expected;
};

Conv2dData data_of(const test::Conv2dCase& item) {
  const Conv2d& op = item.op;
  Weights weights;
  weights.weight = ref::random_tensor({op.out_channels, item.input[1] / op.groups, op.kernel.h, op.kernel.w}, 2,
                                      -item.reach, item.reach);
  if (item.bias) weights.bias = ref::random_tensor({op.out_channels}, 3);
  std::vector<Tensor> inputs{ref::random_tensor(item.input, 1, -item.reach, item.reach)};
  if (op.residual) {
    Conv2d plain = op;
    plain.residual = false;
    const Shape out = ref::conv2d(inputs[0], plain, weights).shape;
    inputs.push_back(ref::random_tensor(out, 4));
  }
  ref::Reference expected = ref::conv2d(inputs[0], op, weights, op.residual ? inputs[1] : Tensor());
  return {inputs, weights, expected};
}

}  // namespace

GIEMSA_CONTRACT(Conv2d) {
  for (const test::Conv2dCase& item : test::conv2d_cases()) {
    SUBCASE(item.name.c_str()) {
      const Conv2dData data = data_of(item);
      const auto add = [&](Graph& graph, const std::vector<ValueId>& inputs) {
        return graph.add("conv", item.op, inputs, data.weights);
      };
      const double taps = static_cast<double>(item.input[1] / item.op.groups * item.op.kernel.h * item.op.kernel.w);
      const double terms = taps * static_cast<double>(data.expected.shape.volume());
      contract::check_op(item.name, add, data.inputs, data.expected, terms);
    }
  }
}

// Of a bf16 network the last convolution's sums come out unrounded, so the tolerance is that of fp32.
TEST_CASE("logits of a bf16 network are fp32") {
  if (!cpu_facts().fast_bf16) {
    MESSAGE("skipped: this CPU lacks AVX512_BF16");
    return;
  }
  for (const test::Conv2dCase& item : test::conv2d_cases()) {
    SUBCASE(item.name.c_str()) {
      const Conv2dData data = data_of(item);
      Graph graph;
      std::vector<ValueId> inputs;
      for (const Tensor& input : data.inputs)
        inputs.push_back(graph.input(cat("input", inputs.size()), {DType::f32, input.shape()}));
      graph.mark_output(graph.add("conv", item.op, inputs, data.weights));
      const test::Outputs outputs = test::run(test::cpu(DType::bf16), graph, data.inputs);
      test::check_reference(outputs[0], data.expected, DType::f32, item.name);
    }
  }
}

}  // namespace giemsa
