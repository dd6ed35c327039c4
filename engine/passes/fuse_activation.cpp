#include <set>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

namespace {

/// The activation of ops that have one.
Activation* activation_of(Op& op) {
  return std::visit(
      [](auto& which) -> Activation* {
        if constexpr (requires { which.activation; })
          return &which.activation;
        else
          return nullptr;
      },
      op);
}

}  // namespace

Graph fuse_activation(const Graph& graph) {
  Rewrite rewrite(graph);
  /// The node that `node`, a rectifier, goes into.
  const auto host_of = [&](const Node& node) -> const Node* {
    if (!std::holds_alternative<Relu>(node.op) || !rewrite.only_reader(node.inputs[0])) return nullptr;
    const Node& source = graph.producer_of(node.inputs[0]);
    Op op = source.op;
    const Activation* activation = activation_of(op);
    return activation && *activation == Activation::none ? &source : nullptr;
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
    Node fused = *host;
    *activation_of(fused.op) = Activation::relu;
    rewrite.replace(node.outputs, std::move(fused));
  }
  return rewrite.finish();
}

}  // namespace giemsa
