#include "engine/graph.h"

#include <algorithm>
#include <type_traits>

namespace giemsa {

NodeId Graph::input(std::string name, TensorType type) {
  check(!find(name), ErrorKind::internal, "two nodes are called '", name, "'");
  const NodeId id{static_cast<std::int32_t>(nodes_.size())};
  std::string value = name;
  nodes_.push_back({std::move(name), std::move(value), Input{}, {}, {}, std::move(type), {}});
  inputs_.push_back(id);
  return id;
}

NodeId Graph::add(std::string name, Op op, std::vector<NodeId> inputs, Weights weights) {
  std::string value = name;
  return add({std::move(name), std::move(value), std::move(op), {}, std::move(weights), {}, {}}, std::move(inputs));
}

NodeId Graph::add(Node node, std::vector<NodeId> inputs) {
  check(!find(node.name), ErrorKind::internal, "two nodes are called '", node.name, "'");
  node.inputs = std::move(inputs);
  std::vector<TensorType> types;
  for (NodeId id : node.inputs) {
    check(index_of(id) < nodes_.size(), ErrorKind::internal, "layer ", node.name, ": input is not in this graph");
    types.push_back((*this)[id].output);
  }
  node.output = infer_type(node, types);
  nodes_.push_back(std::move(node));
  return NodeId{static_cast<std::int32_t>(nodes_.size() - 1)};
}

void Graph::mark_output(NodeId id) {
  outputs_.push_back(id);
}

void Graph::calibrate(NodeId id, float int8_scale) {
  nodes_[index_of(id)].int8_scale = int8_scale;
}

void Graph::place(NodeId id, ConcatSlot slot) {
  nodes_[index_of(id)].slot = slot;
}

bool Graph::is_output(NodeId id) const {
  return std::ranges::find(outputs_, id) != outputs_.end();
}

std::optional<NodeId> Graph::find(std::string_view name) const {
  const auto it = std::ranges::find(nodes_, name, &Node::name);
  if (it == nodes_.end()) return std::nullopt;
  return NodeId{static_cast<std::int32_t>(it - nodes_.begin())};
}

std::vector<bool> non_negative(const Graph& graph) {
  std::vector<bool> known(graph.nodes().size(), false);
  for (std::size_t i = 0; i < known.size(); ++i) {
    const Node& node = graph.nodes()[i];
    const auto has_relu = [](const auto& op) {
      if constexpr (requires { op.activation; })
        return op.activation == Activation::relu;
      else
        return std::is_same_v<std::decay_t<decltype(op)>, Relu>;
    };
    const bool keeps_sign = std::holds_alternative<MaxPool>(node.op) ||
                            std::holds_alternative<AdaptiveAvgPool>(node.op) || std::holds_alternative<Lrn>(node.op) ||
                            std::holds_alternative<Upsample>(node.op) || std::holds_alternative<Concat>(node.op) ||
                            std::holds_alternative<Flatten>(node.op);
    known[i] = std::visit(has_relu, node.op) || std::holds_alternative<Softmax>(node.op) ||
               (keeps_sign && std::ranges::all_of(node.inputs, [&](NodeId input) { return known[index_of(input)]; }));
  }
  return known;
}

std::vector<int> reader_counts(const Graph& graph) {
  std::vector<int> counts(graph.nodes().size(), 0);
  for (const Node& node : graph.nodes())
    for (NodeId id : node.inputs) ++counts[index_of(id)];
  for (NodeId id : graph.outputs()) ++counts[index_of(id)];
  return counts;
}

}  // namespace giemsa
