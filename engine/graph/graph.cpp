#include "engine/graph/graph.h"

#include <algorithm>
#include <cmath>

namespace giemsa {

namespace {

template <class Id>
std::vector<Id> all_ids(std::size_t count) {
  std::vector<Id> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(Id{static_cast<std::int32_t>(i)});
  return ids;
}

double bytes_of(const TensorType& type) {
  return static_cast<double>(type.shape.volume()) * static_cast<double>(size_of(type.dtype));
}

bool has_tensors(const Weights& weights) {
  return weights.weight || weights.bias || weights.scale || weights.running_mean || weights.running_var;
}

}  // namespace

ValueId Graph::input(std::string name, TensorType type) {
  check(!has_node(name), ErrorKind::internal, "two nodes are called '", name, "'");
  append({.name = name, .op = Input{}, .inputs = {}, .stage = stage_}, {std::move(type)}, {name});
  inputs_.push_back(nodes_.back().output());
  return inputs_.back();
}

ValueId Graph::add(std::string name, Op op, std::vector<ValueId> inputs, Weights weights) {
  Node node{.name = name, .op = std::move(op), .inputs = std::move(inputs), .stage = stage_};
  if (has_tensors(weights)) node.weights.push_back(std::move(weights));
  return (*this)[add(std::move(node), {name})].output();
}

NodeId Graph::add(Node node, const std::vector<std::string>& names) {
  check(!has_node(node.name), ErrorKind::internal, "two nodes are called '", node.name, "'");
  std::vector<TensorType> types;
  for (ValueId id : node.inputs) {
    check(index_of(id) < values_.size(), ErrorKind::internal, "layer ", node.name, ": input is not in this graph");
    types.push_back((*this)[id].type);
  }
  const ShapeCheck shapes(node.name, name_of(node.op), types, node.weights);
  std::vector<TensorType> outputs = std::visit([&](const auto& op) { return op.infer(shapes); }, node.op);
  check(outputs.size() == names.size(), ErrorKind::internal, "layer ", node.name, ": ", names.size(), " names for ",
        outputs.size(), " outputs");
  for (Weights& weights : node.weights)
    if (weights.layer.empty()) weights.layer = node.name;
  append(std::move(node), std::move(outputs), names);
  return NodeId{static_cast<std::int32_t>(nodes_.size() - 1)};
}

void Graph::append(Node node, std::vector<TensorType> types, const std::vector<std::string>& names) {
  const NodeId producer{static_cast<std::int32_t>(nodes_.size())};
  node.outputs.clear();
  for (std::size_t i = 0; i < types.size(); ++i) {
    node.outputs.push_back(ValueId{static_cast<std::int32_t>(values_.size())});
    values_.push_back({.name = names[i], .type = std::move(types[i]), .producer = producer});
  }
  nodes_.push_back(std::move(node));
}

void Graph::mark_output(ValueId id) {
  outputs_.push_back(id);
}

void Graph::calibrate(ValueId id, float int8_scale) {
  values_[index_of(id)].int8_scale = int8_scale;
}

void Graph::place(ValueId id, ConcatSlot slot) {
  values_[index_of(id)].slot = slot;
}

bool Graph::is_output(ValueId id) const {
  return std::ranges::find(outputs_, id) != outputs_.end();
}

bool Graph::has_node(std::string_view name) const {
  return std::ranges::find(nodes_, name, &Node::name) != nodes_.end();
}

std::optional<ValueId> Graph::find(std::string_view name) const {
  const auto it = std::ranges::find(values_, name, &Value::name);
  if (it == values_.end()) return std::nullopt;
  return ValueId{static_cast<std::int32_t>(it - values_.begin())};
}

std::vector<NodeId> node_ids(const Graph& graph) {
  return all_ids<NodeId>(graph.nodes().size());
}

std::vector<ValueId> value_ids(const Graph& graph) {
  return all_ids<ValueId>(graph.values().size());
}

NodeTypes::NodeTypes(const Graph& graph, const Node& node) {
  for (ValueId id : node.inputs) inputs_.push_back(graph[id].type);
  for (ValueId id : node.outputs) outputs_.push_back(graph[id].type);
}

std::vector<bool> non_negative(const Graph& graph) {
  std::vector<bool> known(graph.values().size(), false);
  for (const Node& node : graph.nodes()) {
    const bool inputs_are = std::ranges::all_of(node.inputs, [&](ValueId id) { return known[index_of(id)]; });
    const bool outputs_are = std::visit([&](const auto& op) { return op.non_negative(inputs_are); }, node.op);
    for (ValueId id : node.outputs) known[index_of(id)] = outputs_are;
  }
  return known;
}

std::vector<int> reader_counts(const Graph& graph) {
  std::vector<int> counts(graph.values().size(), 0);
  for (const Node& node : graph.nodes())
    for (ValueId id : node.inputs) ++counts[index_of(id)];
  for (ValueId id : graph.outputs()) ++counts[index_of(id)];
  return counts;
}

std::vector<std::vector<NodeId>> readers(const Graph& graph) {
  std::vector<std::vector<NodeId>> result(graph.values().size());
  for (NodeId id : node_ids(graph))
    for (ValueId input : graph[id].inputs)
      if (auto& known = result[index_of(input)]; known.empty() || known.back() != id) known.push_back(id);
  return result;
}

Cost cost_of(const Graph& graph, const Node& node) {
  if (std::holds_alternative<Input>(node.op)) return {};
  const NodeTypes types(graph, node);
  Cost cost;
  for (const TensorType& type : types.signature().inputs) cost.bytes += bytes_of(type);
  for (const TensorType& type : types.signature().outputs) cost.bytes += bytes_of(type);
  for (const Weights& weights : node.weights)
    for (const Tensor* tensor :
         {&weights.weight, &weights.bias, &weights.scale, &weights.running_mean, &weights.running_var}) {
      if (!*tensor) continue;
      cost.bytes += static_cast<double>(tensor->byte_size());
      cost.parameters += tensor->size();
    }
  cost.flops = std::visit([&](const auto& op) { return op.flops(types.signature()); }, node.op);
  return cost;
}

}  // namespace giemsa
