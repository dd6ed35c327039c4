#include <set>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

Graph fuse_upsample_threshold(const Graph& graph) {
  Rewrite rewrite(graph);
  /// The upsampling that `node`, a threshold, takes in.
  const auto upsampling_of = [&](const Node& node) -> const Node* {
    if (!std::holds_alternative<Threshold>(node.op)) return nullptr;
    const Node* upsampling = rewrite.sole_producer<Upsample>(node.inputs[0]);
    return upsampling && std::get<Upsample>(upsampling->op).edge == EdgeMode::clamp ? upsampling : nullptr;
  };

  std::set<const Node*> absorbed;
  for (const Node& node : graph.nodes()) absorbed.insert(upsampling_of(node));

  for (const Node& node : graph.nodes()) {
    if (absorbed.contains(&node)) continue;
    const Node* upsampling = upsampling_of(node);
    if (!upsampling) {
      rewrite.keep(node);
      continue;
    }
    const auto& op = std::get<Upsample>(upsampling->op);
    Node fused = node;
    const auto& decision = std::get<Threshold>(node.op);
    fused.op = UpsampleThreshold{op.output, op.align_corners, decision.threshold, decision.cells};
    fused.inputs = upsampling->inputs;
    rewrite.replace(node.outputs, std::move(fused));
  }
  return rewrite.finish();
}

}  // namespace giemsa
