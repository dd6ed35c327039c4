#include "tests/nets/onnx_twin.h"

#include <doctest/doctest.h>

namespace giemsa::test {

namespace {

class Twin {
 public:
  Twin(const OnnxModel& model, std::int64_t batch) : model_(model), batch_(batch) {}

  Graph build() {
    for (const std::string& name : model_.inputs) {
      values_[name] = graph_.input(name, {DType::f32, shape_in_file(name)});
    }
    for (const OnnxNode& node : model_.nodes) {
      CAPTURE(node.name);
      REQUIRE(node.outputs == std::vector{node.name});
      if (!node.name.ends_with("/rows") && !is_size(node)) add(node);
    }
    for (const std::string& name : model_.outputs) graph_.mark_output(values_.at(name));
    return std::move(graph_);
  }

 private:
  /// Shape, Slice and Concat, which give a Resize its size.
  static bool is_size(const OnnxNode& node) {
    return node.name.ends_with("/shape") || node.name.ends_with("/batch") || node.name.ends_with("/size");
  }

  Shape shape_in_file(const std::string& name) const {
    std::vector<std::int64_t> extents;
    for (const std::string& text : model_.extents.at(name))
      extents.push_back(text == "batch" ? batch_ : std::stoll(text));
    CHECK(model_.extents.at(name).front() == "batch");
    return Shape(extents);
  }

  Tensor constant(const std::string& name) const {
    REQUIRE_MESSAGE(model_.constants.contains(name), name);
    return model_.constants.at(name);
  }

  static Size2 pair(const OnnxNode& node, const std::string& name) {
    const auto& values = node.integers.at(name);
    REQUIRE(values.size() == 2);
    return {values[0], values[1]};
  }

  /// Front padding, and whether more lies behind.
  static std::pair<Size2, bool> padding(const OnnxNode& node) {
    const auto& pads = node.integers.at("pads");
    REQUIRE(pads.size() == 4);
    return {{pads[0], pads[1]}, pads[2] > pads[0] || pads[3] > pads[1]};
  }

  void add(const OnnxNode& node) {
    std::vector<std::string> inputs;
    for (const std::string& name : node.inputs)
      if (values_.contains(name)) inputs.push_back(name);
    if (node.type == "MatMul") inputs = {model_.node(node.name + "/rows").inputs[1]};
    std::vector<ValueId> ids;
    for (const std::string& name : inputs) ids.push_back(values_.at(name));
    REQUIRE(!ids.empty());
    Weights weights;
    const Op op = op_of(node, graph_[ids[0]].type.shape, weights);
    values_[node.name] = graph_.add(node.name, op, ids, std::move(weights));
    CHECK(graph_[values_[node.name]].type.shape == shape_in_file(node.name));
  }

  Op op_of(const OnnxNode& node, const Shape& in, Weights& weights) const {
    const Shape out = shape_in_file(node.name);
    if (node.type == "Conv") {
      weights.weight = constant(node.inputs.at(1));
      if (node.inputs.size() > 2) weights.bias = constant(node.inputs[2]);
      const auto [front, more_behind] = padding(node);
      CHECK(!more_behind);
      return Conv2d{.out_channels = weights.weight.shape()[0],
                    .kernel = pair(node, "kernel_shape"),
                    .stride = pair(node, "strides"),
                    .padding = front,
                    .dilation = pair(node, "dilations"),
                    .groups = node.integers.at("group").at(0)};
    }
    if (node.type == "BatchNormalization") {
      weights.weight = constant(node.inputs.at(1));
      weights.bias = constant(node.inputs.at(2));
      weights.running_mean = constant(node.inputs.at(3));
      weights.running_var = constant(node.inputs.at(4));
      return BatchNorm{node.reals.at("epsilon")};
    }
    if (node.type == "Gemm") {
      CHECK(node.integers.at("transB") == std::vector<std::int64_t>{1});
      weights.weight = constant(node.inputs.at(1));
      weights.bias = constant(node.inputs.at(2));
      return Linear{.out_features = weights.weight.shape()[0]};
    }
    if (node.type == "Relu") return Relu{};
    if (node.type == "Clip") {
      CHECK(constant(node.inputs.at(1)).as<float>()[0] == 0);
      return Relu{constant(node.inputs.at(2)).as<float>()[0]};
    }
    if (node.type == "Add") return Add{};
    if (node.type == "MaxPool") {
      CHECK(!node.integers.contains("ceil_mode"));
      const auto [front, more_behind] = padding(node);
      return MaxPool{pair(node, "kernel_shape"), pair(node, "strides"), front, more_behind};
    }
    if (node.type == "LRN")
      return Lrn{node.integers.at("size").at(0), node.reals.at("alpha"), node.reals.at("beta"), node.reals.at("bias")};
    if (node.type == "GlobalAveragePool") return AdaptiveAvgPool{{1, 1}};
    if (node.type == "Identity" || node.type == "MatMul" || node.type == "AveragePool")
      return AdaptiveAvgPool{{out[2], out[3]}};
    if (node.type == "Flatten") {
      CHECK(node.integers.at("axis") == std::vector<std::int64_t>{1});
      return Flatten{};
    }
    if (node.type == "Concat") {
      CHECK(node.integers.at("axis") == std::vector<std::int64_t>{1});
      return Concat{};
    }
    if (node.type == "Resize") return resize(node, in, out);
    if (node.type == "ConvTranspose") return Upsample{{out[2], out[3]}, false, EdgeMode::zero};
    FAIL("operator ", node.type);
    return Relu{};
  }

  Op resize(const OnnxNode& node, const Shape& in, const Shape& out) const {
    CHECK(node.texts.at("mode") == "linear");
    REQUIRE(node.inputs.at(1).empty());
    if (node.inputs.size() == 3) {
      const Tensor scales = constant(node.inputs[2]);
      for (int i = 0; i < 4; ++i)
        CHECK(scales.as<float>()[i] * static_cast<float>(in[i]) == static_cast<float>(out[i]));
    } else {
      const OnnxNode& size = model_.node(node.inputs.at(3));
      const Tensor extents = constant(size.inputs.at(1));
      for (int i = 0; i < 3; ++i) CHECK(extents.as<std::int64_t>()[i] == out[i + 1]);
      CHECK(model_.node(model_.node(size.inputs[0]).inputs.at(0)).inputs.at(0) == node.inputs[0]);
    }
    const std::string& how = node.texts.at("coordinate_transformation_mode");
    CHECK((how == "align_corners" || how == "half_pixel"));
    return Upsample{{out[2], out[3]}, how == "align_corners"};
  }

  const OnnxModel& model_;
  std::int64_t batch_;
  Graph graph_;
  std::map<std::string, ValueId> values_;
};

}  // namespace

Graph graph_of(const OnnxModel& model, std::int64_t batch) {
  return Twin(model, batch).build();
}

}  // namespace giemsa::test
