#include "engine/cuda/fusion.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"
#include "kernels/aspp.h"

namespace giemsa::cuda {

namespace {

constexpr std::size_t branches = kernels::aspp_branches;

/// What depthwise convolutions that one ASPP kernel computes have in common.
using Trunk = std::pair<ValueId, Activation>;

/// The trunk of a node that can be a branch of ASPP.
std::optional<Trunk> trunk_of(const Graph& graph, const Node& node) {
  const auto* op = std::get_if<Conv2d>(&node.op);
  if (!op || op->residual || graph[node.output()].slot || !is_depthwise(*op, graph[node.inputs[0]].type.shape[1]))
    return std::nullopt;
  const bool same_size = op->kernel == Size2{3, 3} && op->stride == Size2{1, 1} && op->padding == op->dilation &&
                         op->dilation.h == op->dilation.w;
  if (!same_size || op->activation == Activation::relu6) return std::nullopt;
  return Trunk{node.inputs[0], op->activation};
}

/// The branches of each trunk that has as many as one ASPP kernel computes, in order.
std::vector<std::vector<const Node*>> pyramids(const Graph& graph) {
  std::map<Trunk, std::vector<const Node*>> groups;
  for (const Node& node : graph.nodes())
    if (const auto trunk = trunk_of(graph, node)) groups[*trunk].push_back(&node);
  std::vector<std::vector<const Node*>> found;
  for (auto& [trunk, nodes] : groups)
    if (nodes.size() == branches) found.push_back(std::move(nodes));
  return found;
}

/// The pointwise convolution that can take in `node`, a depthwise one, if there is one.
const Node* pointwise_after(const Graph& graph, const std::vector<std::vector<NodeId>>& readers, const Node& node,
                            std::int64_t vector) {
  const auto* op = std::get_if<Conv2d>(&node.op);
  if (!op || graph.is_output(node.output())) return nullptr;
  const std::int64_t channels = graph[node.inputs[0]].type.shape[1];
  if (op->residual || op->kernel != Size2{3, 3} || !is_depthwise(*op, channels) || channels % vector != 0)
    return nullptr;

  const std::vector<NodeId>& reading = readers[index_of(node.output())];
  if (reading.size() != 1) return nullptr;
  const Node& reader = graph[reading[0]];
  const auto* pointwise = std::get_if<Conv2d>(&reader.op);
  if (!pointwise || !is_pointwise(*pointwise) || pointwise->residual) return nullptr;
  // The kernel writes fp16: some reader of the result has to want it so.
  const bool narrow_result = std::ranges::any_of(
      readers[index_of(reader.output())], [&](NodeId id) { return std::holds_alternative<Conv2d>(graph[id].op); });
  return narrow_result || graph[reader.output()].slot ? &reader : nullptr;
}

Node pyramid_of(const std::vector<const Node*>& depthwise) {
  Node node = *depthwise.front();
  AsppDepthwise op{{}, std::get<Conv2d>(node.op).activation};
  node.weights.clear();
  for (std::size_t i = 0; i < branches; ++i) {
    op.rates[i] = std::get<Conv2d>(depthwise[i]->op).dilation.h;
    node.weights.push_back(depthwise[i]->weights[0]);
  }
  node.op = op;
  return node;
}

Node separable_of(const SeparableCandidate& candidate) {
  Node node = *candidate.pointwise;
  node.op = candidate.op;
  node.inputs = candidate.depthwise->inputs;
  node.weights.insert(node.weights.begin(), candidate.depthwise->weights[0]);
  return node;
}

}  // namespace

std::vector<SeparableCandidate> separable_candidates(const Graph& graph, const Context& context) {
  std::vector<SeparableCandidate> found;
  if (context.precision != DType::f16 || context.vendor) return found;
  std::set<const Node*> in_pyramids;
  for (const auto& pyramid : pyramids(graph)) in_pyramids.insert(pyramid.begin(), pyramid.end());
  const auto reading = readers(graph);
  const std::int64_t vector = layout_rules(context.precision).channel_alignment;
  for (const Node& node : graph.nodes()) {
    const Node* pointwise = pointwise_after(graph, reading, node, vector);
    if (!pointwise) continue;
    const int siblings = in_pyramids.contains(&node) ? kernels::aspp_branches : 1;
    found.push_back({&node, pointwise, {std::get<Conv2d>(node.op), std::get<Conv2d>(pointwise->op), siblings}});
  }
  return found;
}

Pair pair_of(const SeparableConv2d& op, const Shape& in) {
  return {params_of(op.depthwise, op.pointwise, in, in[1], op.pointwise.out_channels), op.siblings};
}

Graph fuse_depthwise(const Graph& graph, const Context& context) {
  std::map<const Node*, SeparableCandidate> separable;  // by the depthwise convolution
  for (const SeparableCandidate& candidate : separable_candidates(graph, context)) {
    const Shape& in = graph[candidate.depthwise->inputs[0]].type.shape;
    if (context.tuning.plan_for(pair_of(candidate.op, in), context.gpu.sm_count))
      separable.emplace(candidate.depthwise, candidate);
  }
  std::map<const Node*, std::vector<const Node*>> pyramid_at;  // by the first branch
  std::set<const Node*> absorbed;
  for (const auto& nodes : pyramids(graph)) {
    if (std::ranges::all_of(nodes, [&](const Node* node) { return separable.contains(node); })) continue;
    for (const Node* node : nodes) separable.erase(node);
    absorbed.insert(nodes.begin() + 1, nodes.end());
    pyramid_at[nodes.front()] = nodes;
  }
  std::map<const Node*, const SeparableCandidate*> separable_at;  // by the pointwise convolution
  for (const auto& [depthwise, candidate] : separable) {
    absorbed.insert(depthwise);
    separable_at[candidate.pointwise] = &candidate;
  }

  Rewrite rewrite(graph);
  for (const Node& node : graph.nodes()) {
    if (absorbed.contains(&node)) continue;
    if (const auto found = pyramid_at.find(&node); found != pyramid_at.end()) {
      std::vector<ValueId> results;
      for (const Node* branch : found->second) results.push_back(branch->output());
      rewrite.replace(results, pyramid_of(found->second));
    } else if (const auto pair = separable_at.find(&node); pair != separable_at.end()) {
      rewrite.replace(node.outputs, separable_of(*pair->second));
    } else {
      rewrite.keep(node);
    }
  }
  return rewrite.finish();
}

Graph passes(const Graph& graph, const Context& context, bool optimized) {
  return fuse_depthwise(optimized ? optimize(graph) : fuse_cleanup(graph), context);
}

}  // namespace giemsa::cuda
