// Scales of activations in models: given to the graph, replaced, refused where they are wrong.
#include <doctest/doctest.h>

#include <limits>

#include "nets/model.h"
#include "tests/engine/error_text.h"
#include "tests/nets/blank_model.h"

namespace giemsa {

namespace {

Model network() {
  return test::blank_model("alexnet", "torchvision");
}

struct Built {
  Graph graph;
  ValueId input, logits;

  explicit Built(const Model& model)
      : input(graph.input("crops", {DType::f32, {1, 3, 64, 64}})), logits(build_network(graph, input, model)) {}
  float scale(std::string_view name) const { return graph[*graph.find(name)].int8_scale; }
};

}  // namespace

TEST_CASE("scales go to the results that they are named after, that of the input to whatever feeds the network") {
  const Built built(with_scales(network(), {{"input", 0.5f}, {"features.0.relu", 0.25f}}, "a test"));
  CHECK(built.scale("crops") == 0.5f);
  CHECK(built.scale("features.0.relu") == 0.25f);
  CHECK(built.scale("features.0") == 0);
  CHECK(Built(network()).scale("features.0.relu") == 0);
}

TEST_CASE("scales replace those that a model has") {
  const Model first = with_scales(network(), {{"input", 0.5f}, {"features.0.relu", 0.25f}}, "first");
  const Model second = with_scales(first, {{"input", 2.0f}}, "second");
  CHECK(Built(second).scale("crops") == 2.0f);
  CHECK(Built(second).scale("features.0.relu") == 0);
  CHECK(second.info.calibration == "second");
}

TEST_CASE("scales that fit no result, or are no positive number, are refused by name") {
  const auto refused = [](const std::string& name, float scale, const char* why) {
    CHECK_THROWS_WITH_AS(Built(with_scales(network(), {{name, scale}}, "")), doctest::Contains(why), Error);
  };
  refused("features.1", 1, "unexpected tensor 'features.1.activation_scale'");
  refused("input", 0, "holds 0, expected a positive number");
  refused("input", -1, "holds -1");
  refused("input", std::numeric_limits<float>::quiet_NaN(), "expected a positive number");
  Model model = network();
  model.tensors["input.activation_scale"] = Tensor::from(Shape{2}, {1.0f, 1.0f});
  CHECK_THROWS_WITH_AS(Built{model}, doctest::Contains("expected one fp32 value"), Error);
}

TEST_CASE("int8 asks for scales, other precisions do not") {
  CHECK_THROWS_WITH_AS(check_scales(network(), DType::i8), doctest::Contains("no scales of its activations"), Error);
  const Hint hint = test::hint_of([] { check_scales(network(), DType::i8); });
  CHECK(hint.kind == Hint::Kind::calibrate);
  CHECK(hint.subjects == std::vector<std::string>{network().file});
  check_scales(network(), DType::bf16);
  check_scales(with_scales(network(), {{"input", 1.0f}}, "a test"), DType::i8);
}

}  // namespace giemsa
