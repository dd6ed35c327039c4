// Conv2d on the GPU: dense, depthwise, and the three atrous branches of separable ASPP in one kernel.
#include <algorithm>
#include <map>

#include "engine/cuda/steps.h"
#include "kernels/aspp.h"
#include "kernels/depthwise.h"

namespace giemsa::cuda {

namespace {

using kernels::Half;

kernels::Conv2dParams params_of(const Conv2d& op, const Value& in, const Value& out, const Value* residual) {
  const auto size = [](Size2 s) { return kernels::Conv2dParams::Size{narrow(s.h), narrow(s.w)}; };
  return {.images = narrow(in.shape[0]),
          .in_h = narrow(in.shape[2]),
          .in_w = narrow(in.shape[3]),
          .in_channels = narrow(in.channels()),
          .out_channels = narrow(op.out_channels),
          .kernel = size(op.kernel),
          .stride = size(op.stride),
          .padding = size(op.padding),
          .dilation = size(op.dilation),
          .groups = narrow(op.groups),
          .input_pixel_stride = narrow(in.pixel_stride),
          .output_pixel_stride = narrow(out.pixel_stride),
          .residual_pixel_stride = residual ? narrow(residual->pixel_stride) : 0,
          .relu = op.activation == Activation::relu};
}

template <class T>
kernels::Conv2dInputs<T> inputs_of(const Value* in, const LayerWeights& weights, const Value* residual) {
  return {in->as<T>(), weights.weight_as<T>(), weights.bias, residual ? residual->as<T>() : nullptr};
}

Step dense_step(StepBuilder& b) {
  if (Step step = vendor_convolution_step(b)) return step;
  const auto& op = std::get<Conv2d>(b.node.op);
  const Value *in = b.input(0), *out = b.output(), *residual = op.residual ? b.input(1) : nullptr;
  const kernels::Conv2dParams params = params_of(op, *in, *out, residual);
  const LayerWeights weights = b.context.weights.convolution(b.node, in->channels(), in->dtype);
  check(!residual || residual->dtype == in->dtype, ErrorKind::internal, "a residual is stored apart from its input");
  if (in->dtype == DType::f32)
    return [=](Stream stream) {
      kernels::conv2d_f32(out->as<float>(), inputs_of<float>(in, weights, residual), params, stream);
    };
  const kernels::Conv2dPlan plan = b.context.tuning.plan_for(params, b.context.gpu.sm_count);
  const Value* parts = b.scratch(kernels::workspace_bytes(params, plan));
  return with_type(out->dtype, [&]<class Out>() -> Step {
    return [=](Stream stream) {
      kernels::conv2d(out->as<Out>(), parts->as<float>(), inputs_of<Half>(in, weights, residual), params, plan, stream);
    };
  });
}

/// Channels that a depthwise kernel computes: whole vectors, the last of which may reach into the padding of pixels.
std::int64_t whole_vectors(const StepBuilder& b, std::int64_t channels) {
  const std::int64_t n = layout_rules(b.context.precision).channel_alignment;
  return (channels + n - 1) / n * n;
}

Step depthwise_step(StepBuilder& b) {
  const auto& op = std::get<Conv2d>(b.node.op);
  const Value *in = b.input(0), *out = b.output();
  const std::int64_t channels = whole_vectors(b, in->channels());
  const kernels::DepthwiseParams params{
      .images = narrow(in->shape[0]),
      .channels = narrow(channels),
      .in = plane_of(*in),
      .out = plane_of(*out),
      .window = {extent_of(op.kernel), extent_of(op.stride), extent_of(op.padding), extent_of(op.dilation)},
      .input_pixel_stride = narrow(in->pixel_stride),
      .output_pixel_stride = narrow(out->pixel_stride),
      .relu = op.activation == Activation::relu};
  const LayerWeights weights = b.context.weights.depthwise(b.node, channels, in->dtype);
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) {
      kernels::depthwise(out->as<T>(), in->as<T>(), weights.weight_as<T>(), weights.bias, params, stream);
    };
  });
}

Step aspp_step(StepBuilder& b, const std::vector<NodeId>& others) {
  const Value* in = b.input(0);
  const std::int64_t channels = whole_vectors(b, in->channels());
  kernels::AsppParams params{.images = narrow(in->shape[0]),
                             .channels = narrow(channels),
                             .map = plane_of(*in),
                             .input_pixel_stride = narrow(in->pixel_stride),
                             .output_pixel_stride = narrow(b.output()->pixel_stride),
                             .relu = std::get<Conv2d>(b.node.op).activation == Activation::relu};
  std::array<const Value*, kernels::aspp_branches> out{};
  std::array<LayerWeights, kernels::aspp_branches> weights;
  const std::array<NodeId, kernels::aspp_branches> nodes{b.id, others.at(0), others.at(1)};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = b.graph[nodes[i]];
    params.rates[i] = narrow(std::get<Conv2d>(node.op).dilation.h);
    out[i] = b.value(nodes[i]);
    weights[i] = b.context.weights.depthwise(node, channels, in->dtype);
  }
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) {
      const auto branch = [&](std::size_t i) {
        return kernels::AsppBranch<T>{out[i]->as<T>(), weights[i].template weight_as<T>(), weights[i].bias};
      };
      const kernels::AsppBranch<T> branches[]{branch(0), branch(1), branch(2)};
      kernels::aspp_depthwise(branches, in->as<T>(), params, stream);
    };
  });
}

/// What the branches that one ASPP kernel makes have in common, if `id` can be one.
using Trunk = std::pair<NodeId, Activation>;
std::optional<Trunk> trunk_of(const Graph& graph, NodeId id) {
  const Node& node = graph[id];
  const auto* op = std::get_if<Conv2d>(&node.op);
  if (!op || op->residual || node.slot || !is_depthwise(*op, graph[node.inputs[0]].output.shape[1]))
    return std::nullopt;
  const bool same_size = op->kernel == Size2{3, 3} && op->stride == Size2{1, 1} && op->padding == op->dilation &&
                         op->dilation.h == op->dilation.w;
  if (!same_size) return std::nullopt;
  return Trunk{node.inputs[0], op->activation};
}

}  // namespace

int branches_beside(const Graph& graph, NodeId depthwise) {
  const auto trunk = trunk_of(graph, depthwise);
  std::size_t count = 0;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i)
    count += trunk && trunk_of(graph, NodeId{static_cast<std::int32_t>(i)}) == trunk;
  return count == kernels::aspp_branches ? kernels::aspp_branches : 1;
}

std::vector<NodeId> nodes_made_with(const Graph& graph, const Context& context) {
  std::vector<NodeId> makers = makers_of(graph);
  const auto take_in = [&](NodeId id) {
    const auto pointwise = pointwise_after(graph, id, context);
    return pointwise && pair_plan(graph, id, *pointwise, branches_beside(graph, id), context);
  };
  std::map<Trunk, std::vector<NodeId>> groups;
  for (std::size_t i = 0; i < makers.size(); ++i) {
    const NodeId id{static_cast<std::int32_t>(i)};
    if (const auto trunk = trunk_of(graph, id))
      groups[*trunk].push_back(id);
    else if (take_in(id))
      makers[i] = never_made;
  }
  for (const auto& [trunk, nodes] : groups) {
    const bool one_launch = nodes.size() == kernels::aspp_branches;
    const auto taken = std::ranges::count_if(nodes, take_in);  // asks about each, for whoever observes
    const bool all = taken == std::ssize(nodes);
    for (NodeId id : nodes) {
      if (one_launch ? all : take_in(id))
        makers[index_of(id)] = never_made;
      else if (one_launch)
        makers[index_of(id)] = nodes.front();
    }
  }
  return makers;
}

Step convolution_step(StepBuilder& b) {
  if (b.is_made_before()) return {};
  if (b.taken_in()) return separable_step(b);
  if (const std::vector<NodeId> others = b.made_along(); !others.empty()) return aspp_step(b, others);
  const auto& op = std::get<Conv2d>(b.node.op);
  return is_depthwise(op, b.input(0)->channels()) && !op.residual ? depthwise_step(b) : dense_step(b);
}

}  // namespace giemsa::cuda
