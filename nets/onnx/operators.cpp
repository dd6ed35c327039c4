#include "nets/onnx/operators.h"

namespace giemsa::onnx {

namespace {

Message to_message(const OnnxAttribute& from) {
  return std::visit([&](const auto& value) { return attribute(from.first, value); }, from.second);
}

/// One node of our graph under way to the file.
class Writer final : public OnnxForm {
 public:
  Writer(GraphProto& proto, const Graph& graph, const Node& node) : proto_(proto), node_(node), types_(graph, node) {
    for (ValueId id : node.inputs) inputs_.push_back(graph[id].name);
  }

  const std::string& layer() const override { return node_.name; }
  std::span<const std::string> inputs() const override { return inputs_; }
  Signature signature() const override { return types_.signature(); }
  const Weights& weights() const override { return node_.weights.at(0); }

  void declare_input() override { proto_.input(value_info(node_.name, signature().out())); }

  std::string constant(std::string_view role, const Tensor& tensor) override {
    std::string name = cat(node_.name, '.', role);
    proto_.constant(onnx::constant(name, tensor));
    return name;
  }

  std::string step(std::string_view type, std::string_view name, const std::vector<std::string>& inputs,
                   Attributes how) override {
    std::string result = cat(node_.name, '/', name);
    append(type, result, inputs, how);
    return result;
  }

  void result(std::string_view type, const std::vector<std::string>& inputs, Attributes how) override {
    append(type, node_.name, inputs, how);
  }

 private:
  void append(std::string_view type, const std::string& name, const std::vector<std::string>& inputs,
              const Attributes& how) {
    std::vector<Message> attributes;
    for (const OnnxAttribute& each : how) attributes.push_back(to_message(each));
    proto_.node(onnx::node(type, name, inputs, std::move(attributes)));
  }

  GraphProto& proto_;
  const Node& node_;
  NodeTypes types_;
  std::vector<std::string> inputs_;
};

}  // namespace

void append(GraphProto& proto, const Graph& graph, const Node& node) {
  Writer writer(proto, graph, node);
  std::visit([&](const auto& op) { op.to_onnx(writer); }, node.op);
}

}  // namespace giemsa::onnx
