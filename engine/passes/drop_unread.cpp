#include <algorithm>
#include <vector>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

Graph drop_unread(const Graph& graph) {
  std::vector<bool> needed(graph.values().size(), false);
  for (ValueId id : graph.outputs()) needed[index_of(id)] = true;
  const auto is_needed = [&](const Node& node) {
    return std::holds_alternative<Input>(node.op) ||
           std::ranges::any_of(node.outputs, [&](ValueId id) { return needed[index_of(id)]; });
  };
  const std::span<const Node> nodes = graph.nodes();
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node)
    if (is_needed(*node))
      for (ValueId id : node->inputs) needed[index_of(id)] = true;
  Rewrite rewrite(graph);
  for (const Node& node : nodes)
    if (is_needed(node)) rewrite.keep(node);
  return rewrite.finish();
}

}  // namespace giemsa
