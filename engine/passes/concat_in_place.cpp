#include <algorithm>

#include "engine/passes/passes.h"

namespace giemsa {

Graph concat_in_place(const Graph& graph) {
  Graph placed = graph;
  for (const Node& concat : graph.nodes()) {
    if (!std::holds_alternative<Concat>(concat.op)) continue;
    std::int64_t channel = 0;
    for (ValueId input : concat.inputs) {
      const Op& op = graph.producer_of(input).op;
      const bool computed = !std::holds_alternative<Input>(op);
      const bool free = !placed[input].slot && !graph.is_output(input);
      // The same value twice in one concat cannot be in two places; a concat's own result is already a home for others.
      const bool once = std::ranges::count(concat.inputs, input) == 1;
      if (computed && free && once && !std::holds_alternative<Concat>(op))
        placed.place(input, {concat.output(), channel});
      channel += graph[input].type.shape[1];
    }
  }
  return placed;
}

}  // namespace giemsa
