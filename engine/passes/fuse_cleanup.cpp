#include <algorithm>
#include <set>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

namespace {

/// The nodes that become one.
struct Chain {
  const Node *fill, *open, *label;
  const Node* measure;  ///< or none
};

/// The chain that `label`, a Components, is part of, if nothing else reads what lies between.
std::optional<Chain> chain_around(const Graph& graph, const Rewrite& rewrite, const Node& label) {
  if (!std::holds_alternative<Components>(label.op)) return std::nullopt;
  const Node* open = rewrite.sole_producer<AreaOpen>(label.inputs[0]);
  const Node* fill = open ? rewrite.sole_producer<FillHoles>(open->inputs[0]) : nullptr;
  if (!fill) return std::nullopt;
  const auto measures = [&](const Node& node) {
    return std::holds_alternative<Regions>(node.op) && node.inputs[0] == label.output();
  };
  const auto measure = std::ranges::find_if(graph.nodes(), measures);
  return Chain{fill, open, &label, measure == graph.nodes().end() ? nullptr : &*measure};
}

}  // namespace

Graph fuse_cleanup(const Graph& graph) {
  Rewrite rewrite(graph);
  std::set<const Node*> absorbed;
  for (const Node& node : graph.nodes())
    if (const auto chain = chain_around(graph, rewrite, node))
      absorbed.insert({chain->fill, chain->open, chain->measure});

  for (const Node& node : graph.nodes()) {
    if (absorbed.contains(&node)) continue;
    const auto chain = chain_around(graph, rewrite, node);
    if (!chain) {
      rewrite.keep(node);
      continue;
    }
    CleanLabelMeasure op{std::get<AreaOpen>(chain->open->op).min_area, std::nullopt};
    std::vector<ValueId> results{node.output()};
    if (chain->measure) {
      op.capacity = std::get<Regions>(chain->measure->op).capacity;
      results.push_back(chain->measure->output());
    }
    Node fused = node;
    fused.op = op;
    fused.inputs = chain->fill->inputs;
    rewrite.replace(results, std::move(fused));
  }
  return rewrite.finish();
}

}  // namespace giemsa
