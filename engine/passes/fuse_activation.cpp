#include <set>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

namespace {

/// The activation field of ops that have one.
Activation* activation_of(Op& op) {
  if (auto* conv = std::get_if<Conv2d>(&op)) return &conv->activation;
  if (auto* add = std::get_if<Add>(&op)) return &add->activation;
  if (auto* linear = std::get_if<Linear>(&op)) return &linear->activation;
  return nullptr;
}

}  // namespace

Graph fuse_activation(const Graph& graph) {
  Rewrite rewrite(graph);
  const auto fuses = [&](NodeId id) {
    if (!std::holds_alternative<Relu>(graph[id].op)) return false;
    const NodeId source = graph[id].inputs[0];
    Op op = graph[source].op;
    const Activation* activation = activation_of(op);
    return activation && *activation == Activation::none && rewrite.only_reader(source);
  };

  std::set<NodeId> absorbed;
  for (NodeId id : ids_of(graph))
    if (fuses(id)) absorbed.insert(graph[id].inputs[0]);

  for (NodeId id : ids_of(graph)) {
    if (absorbed.contains(id)) continue;
    if (!fuses(id)) {
      rewrite.keep(id);
      continue;
    }
    Node node = graph[graph[id].inputs[0]];
    const std::vector<NodeId> inputs = node.inputs;
    node.value = graph[id].value;
    node.int8_scale = graph[id].int8_scale;
    *activation_of(node.op) = Activation::relu;
    rewrite.replace(id, std::move(node), inputs);
  }
  return rewrite.finish();
}

}  // namespace giemsa
