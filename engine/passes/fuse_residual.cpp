#include <algorithm>
#include <map>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

Graph fuse_residual(const Graph& graph) {
  Rewrite rewrite(graph);
  const auto can_host = [&](ValueId id) {
    const Node* conv = rewrite.sole_producer<Conv2d>(id);
    if (!conv) return false;
    const auto& op = std::get<Conv2d>(conv->op);
    return !op.residual && op.activation == Activation::none;
  };

  std::map<const Node*, const Node*> add_of;  // a convolution -> the add that goes into it
  std::map<const Node*, ValueId> hosted;      // and the add -> the convolution's result
  for (const Node& node : graph.nodes()) {
    if (!std::holds_alternative<Add>(node.op)) continue;
    // The later operand hosts, so that the other one is already there when it runs.
    const ValueId later = std::max(node.inputs[0], node.inputs[1]);
    if (node.inputs[0] == node.inputs[1] || !can_host(later)) continue;
    hosted[&node] = later;
    add_of[&graph.producer_of(later)] = &node;
  }

  for (const Node& node : graph.nodes()) {
    if (add_of.contains(&node)) continue;
    const auto found = hosted.find(&node);
    if (found == hosted.end()) {
      rewrite.keep(node);
      continue;
    }
    Node conv = graph.producer_of(found->second);
    conv.inputs.push_back(node.inputs[0] == found->second ? node.inputs[1] : node.inputs[0]);
    auto& op = std::get<Conv2d>(conv.op);
    op.residual = true;
    op.activation = std::get<Add>(node.op).activation;
    rewrite.replace(node.outputs, std::move(conv));
  }
  return rewrite.finish();
}

}  // namespace giemsa
