#include <set>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

Graph fold_batch_norm(const Graph& graph) {
  Rewrite rewrite(graph);
  /// The convolution that `node`, a batch norm, goes into.
  const auto host_of = [&](const Node& node) -> const Node* {
    if (!std::holds_alternative<BatchNorm>(node.op)) return nullptr;
    const Node* conv = rewrite.sole_producer<Conv2d>(node.inputs[0]);
    if (!conv) return nullptr;
    const auto& op = std::get<Conv2d>(conv->op);
    const bool bare = !op.residual && op.activation == Activation::none && !conv->weights[0].norm;
    return bare ? conv : nullptr;
  };

  std::set<const Node*> hosts;
  for (const Node& node : graph.nodes()) hosts.insert(host_of(node));

  for (const Node& node : graph.nodes()) {
    if (hosts.contains(&node)) continue;
    const Node* host = host_of(node);
    if (!host) {
      rewrite.keep(node);
      continue;
    }
    Node conv = *host;
    const Weights& norm = node.weights[0];
    conv.weights[0].norm =
        FoldedNorm{norm.weight, norm.bias, norm.running_mean, norm.running_var, std::get<BatchNorm>(node.op).eps};
    rewrite.replace(node.outputs, std::move(conv));
  }
  return rewrite.finish();
}

}  // namespace giemsa
