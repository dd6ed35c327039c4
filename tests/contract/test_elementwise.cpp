// BatchNorm, Add, Relu, Concat, Flatten and Softmax against their references.
#include <limits>

#include "tests/contract/contract.h"
#include "tests/ops/batch_norm_cases.h"
#include "tests/ops/elementwise_cases.h"
#include "tests/ref/add.h"
#include "tests/ref/batch_norm.h"
#include "tests/ref/concat.h"
#include "tests/ref/flatten.h"
#include "tests/ref/random.h"
#include "tests/ref/relu.h"
#include "tests/ref/softmax.h"

namespace giemsa {

namespace {}  // namespace

GIEMSA_CONTRACT(BatchNorm) {
  for (const test::BatchNormCase& item : test::batch_norm_cases()) {
    SUBCASE(item.name.c_str()) {
      const std::int64_t channels = item.input[1];
      Weights weights;
      weights.weight = ref::random_tensor({channels}, 2, -2, 2);
      weights.bias = ref::random_tensor({channels}, 3);
      weights.running_mean = ref::random_tensor({channels}, 4);
      weights.running_var = ref::random_tensor({channels}, 5, 0, 2);  // a variance of 0 leaves only eps
      const std::vector<Tensor> inputs{ref::random_tensor(item.input, 1)};
      contract::check_op(item.name, contract::adds(item.op, weights), inputs,
                         ref::batch_norm(inputs[0], item.op, weights));
    }
  }
}

GIEMSA_CONTRACT(Add) {
  for (const Activation activation : {Activation::none, Activation::relu}) {
    for (const test::ShapeCase& item : test::picture_cases()) {
      const std::string name = item.name + (activation == Activation::relu ? " relu" : " plain");
      SUBCASE(name.c_str()) {
        const std::vector<Tensor> inputs{ref::random_tensor(item.input, 1), ref::random_tensor(item.input, 2)};
        const Add op{activation};
        contract::check_op(name, contract::adds(op), inputs, ref::add(inputs[0], inputs[1], op));
      }
    }
  }
}

GIEMSA_CONTRACT(Relu) {
  for (const test::ShapeCase& item : test::picture_cases()) {
    SUBCASE(item.name.c_str()) {
      const std::vector<Tensor> inputs{ref::random_tensor(item.input, 1)};
      contract::check_op(item.name, contract::adds(Relu{}), inputs, ref::relu(inputs[0]));
    }
  }
  SUBCASE("rows") {
    const std::vector<Tensor> inputs{ref::random_tensor({3, 33}, 1)};
    contract::check_op("rows", contract::adds(Relu{}), inputs, ref::relu(inputs[0]));
  }
  SUBCASE("with a ceiling") {
    const std::vector<Tensor> inputs{ref::random_tensor({1, 33, 7, 5}, 1)};
    test::check_op("relu on the CPU", "with a ceiling", contract::adds(Relu{0.5f}), inputs, ref::relu(inputs[0], 0.5));
  }
}

GIEMSA_CONTRACT(Concat) {
  for (const test::ConcatCase& item : test::concat_cases()) {
    SUBCASE(item.name.c_str()) {
      std::vector<Tensor> inputs;
      for (const Shape& shape : item.inputs)
        inputs.push_back(ref::random_tensor(shape, static_cast<std::uint32_t>(inputs.size() + 1)));
      contract::check_op(item.name, contract::adds(Concat{}), inputs, ref::concat(inputs));
    }
  }
}

GIEMSA_CONTRACT(Flatten) {
  for (const test::ShapeCase& item : test::picture_cases()) {
    SUBCASE(item.name.c_str()) {
      const std::vector<Tensor> inputs{ref::random_tensor(item.input, 1)};
      contract::check_op(item.name, contract::adds(Flatten{}), inputs, ref::flatten(inputs[0]));
    }
  }
}

GIEMSA_CONTRACT(Softmax) {
  for (const test::ShapeCase& item : test::row_cases()) {
    SUBCASE(item.name.c_str()) {
      const std::vector<Tensor> inputs{ref::random_tensor(item.input, 1, -3, 3)};
      contract::check_op(item.name, contract::adds(Softmax{}), inputs, ref::softmax(inputs[0]));
    }
  }
}

TEST_CASE("softmax of large logits does not overflow") {
  Graph graph;
  graph.mark_output(graph.add("softmax", Softmax{}, {graph.input("x", {DType::f32, {1, 3}})}));
  const std::vector<Tensor> inputs{Tensor::from({1, 3}, {1000.0f, 1000.0f, -1000.0f})};
  CHECK(test::run(test::cpu(), graph, inputs)[0] == std::vector<float>{0.5f, 0.5f, 0.0f});
}

}  // namespace giemsa
