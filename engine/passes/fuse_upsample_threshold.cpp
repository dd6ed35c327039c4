#include <set>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

Graph fuse_upsample_threshold(const Graph& graph) {
  Rewrite rewrite(graph);
  const auto fuses = [&](NodeId id) {
    if (!std::holds_alternative<Threshold>(graph[id].op)) return false;
    const NodeId source = graph[id].inputs[0];
    const auto* upsample = std::get_if<Upsample>(&graph[source].op);
    return upsample && upsample->edge == EdgeMode::clamp && rewrite.only_reader(source);
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
    Node node = graph[id];
    const Node& source = graph[node.inputs[0]];
    const auto& upsample = std::get<Upsample>(source.op);
    node.op = UpsampleThreshold{upsample.output, upsample.align_corners, std::get<Threshold>(node.op).threshold};
    rewrite.replace(id, std::move(node), source.inputs);
  }
  return rewrite.finish();
}

}  // namespace giemsa
