#include <set>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace giemsa {

Graph fold_batch_norm(const Graph& graph) {
  Rewrite rewrite(graph);
  const auto absorbed_conv =
      [&](NodeId id) -> const Conv2d* {  // the convolution that node `id`, a batch norm, goes into
    if (!std::holds_alternative<BatchNorm>(graph[id].op)) return nullptr;
    const NodeId source = graph[id].inputs[0];
    const Node& conv = graph[source];
    const auto* op = std::get_if<Conv2d>(&conv.op);
    const bool bare = op && !op->residual && op->activation == Activation::none && !conv.weights.norm;
    return bare && rewrite.only_reader(source) ? op : nullptr;
  };

  std::set<NodeId> absorbed;
  for (NodeId id : ids_of(graph))
    if (absorbed_conv(id)) absorbed.insert(graph[id].inputs[0]);

  for (NodeId id : ids_of(graph)) {
    if (absorbed.contains(id)) continue;
    if (!absorbed_conv(id)) {
      rewrite.keep(id);
      continue;
    }
    const Node& norm = graph[id];
    Node conv = graph[norm.inputs[0]];
    const std::vector<NodeId> inputs = conv.inputs;
    conv.value = norm.value;
    conv.int8_scale = norm.int8_scale;
    conv.weights.norm = FoldedNorm{norm.weights.weight, norm.weights.bias, norm.weights.running_mean,
                                   norm.weights.running_var, std::get<BatchNorm>(norm.op).eps};
    rewrite.replace(id, std::move(conv), inputs);
  }
  return rewrite.finish();
}

}  // namespace giemsa
