#include <set>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

namespace {

struct Chain {
  NodeId fill, open;
};

/// The FillHoles and the AreaOpen before `id`, a Components, if nothing else looks at their results.
std::optional<Chain> chain_before(const Graph& graph, const Rewrite& rewrite, NodeId id) {
  if (!std::holds_alternative<Components>(graph[id].op)) return std::nullopt;
  const NodeId open = graph[id].inputs[0];
  if (!std::holds_alternative<AreaOpen>(graph[open].op) || !rewrite.only_reader(open)) return std::nullopt;
  const NodeId fill = graph[open].inputs[0];
  if (!std::holds_alternative<FillHoles>(graph[fill].op) || !rewrite.only_reader(fill)) return std::nullopt;
  return Chain{fill, open};
}

}  // namespace

Graph fuse_cleanup(const Graph& graph) {
  Rewrite rewrite(graph);
  std::set<NodeId> absorbed;
  for (NodeId id : ids_of(graph))
    if (const auto chain = chain_before(graph, rewrite, id)) absorbed.insert({chain->fill, chain->open});

  for (NodeId id : ids_of(graph)) {
    if (absorbed.contains(id)) continue;
    const auto chain = chain_before(graph, rewrite, id);
    if (!chain) {
      rewrite.keep(id);
      continue;
    }
    Node node = graph[id];
    node.op = CleanAndLabel{std::get<AreaOpen>(graph[chain->open].op).min_area};
    rewrite.replace(id, std::move(node), graph[chain->fill].inputs);
  }
  return rewrite.finish();
}

}  // namespace giemsa
