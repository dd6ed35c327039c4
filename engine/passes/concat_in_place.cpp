#include <algorithm>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

Graph concat_in_place(const Graph& graph) {
  Graph placed = graph;
  for (NodeId id : ids_of(graph)) {
    const Node& concat = graph[id];
    if (!std::holds_alternative<Concat>(concat.op)) continue;
    std::int64_t channel = 0;
    for (NodeId input : concat.inputs) {
      const Node& node = graph[input];
      const bool computed = !std::holds_alternative<Input>(node.op);
      const bool free = !placed[input].slot && !graph.is_output(input);
      // The same value twice in one concat cannot be in two places; a concat's own result is already a home for others.
      const bool once = std::ranges::count(concat.inputs, input) == 1;
      if (computed && free && once && !std::holds_alternative<Concat>(node.op)) placed.place(input, {id, channel});
      channel += node.output.shape[1];
    }
  }
  return placed;
}

}  // namespace giemsa
