#include <algorithm>
#include <map>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

Graph fuse_residual(const Graph& graph) {
  Rewrite rewrite(graph);
  const auto can_host = [&](NodeId id) {
    const auto* conv = std::get_if<Conv2d>(&graph[id].op);
    return conv && !conv->residual && conv->activation == Activation::none && rewrite.only_reader(id);
  };

  std::map<NodeId, NodeId> host_of;  // add -> the convolution it goes into
  std::map<NodeId, NodeId> add_of;   // and back
  for (NodeId id : ids_of(graph)) {
    if (!std::holds_alternative<Add>(graph[id].op)) continue;
    // The later operand hosts, so that the other one is already there when it runs.
    const NodeId later = std::max(graph[id].inputs[0], graph[id].inputs[1]);
    if (graph[id].inputs[0] == graph[id].inputs[1] || !can_host(later)) continue;
    host_of[id] = later;
    add_of[later] = id;
  }

  for (NodeId id : ids_of(graph)) {
    if (add_of.contains(id)) continue;
    const auto found = host_of.find(id);
    if (found == host_of.end()) {
      rewrite.keep(id);
      continue;
    }
    const Node& add = graph[id];
    const NodeId other = add.inputs[0] == found->second ? add.inputs[1] : add.inputs[0];
    Node conv = graph[found->second];
    const std::vector<NodeId> inputs{conv.inputs[0], other};
    auto& op = std::get<Conv2d>(conv.op);
    op.residual = true;
    op.activation = std::get<Add>(add.op).activation;
    conv.value = add.value;
    conv.int8_scale = add.int8_scale;
    rewrite.replace(id, std::move(conv), inputs);
  }
  return rewrite.finish();
}

}  // namespace giemsa
