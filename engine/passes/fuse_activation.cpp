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

/// What `relu` is as the activation of `host`; none where `host` has no such activation.
Activation inside(const Relu& relu, const Op& host) {
  if (relu.ceiling == ceiling_of(Activation::relu)) return Activation::relu;
  const bool six = relu.ceiling == ceiling_of(Activation::relu6) && std::holds_alternative<Conv2d>(host);
  return six ? Activation::relu6 : Activation::none;
}

}  // namespace

Graph fuse_activation(const Graph& graph) {
  Rewrite rewrite(graph);
  /// The node that `node`, a rectifier, goes into.
  const auto host_of = [&](const Node& node) -> const Node* {
    const auto* relu = std::get_if<Relu>(&node.op);
    if (!relu || !rewrite.only_reader(node.inputs[0])) return nullptr;
    const Node& source = graph.producer_of(node.inputs[0]);
    Op op = source.op;
    const Activation* activation = activation_of(op);
    const bool is_free = activation && *activation == Activation::none;
    return is_free && inside(*relu, source.op) != Activation::none ? &source : nullptr;
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
    *activation_of(fused.op) = inside(std::get<Relu>(node.op), host->op);
    rewrite.replace(node.outputs, std::move(fused));
  }
  return rewrite.finish();
}

}  // namespace giemsa
