// A depthwise 3x3 and the pointwise 1x1 after it as one launch, where that is expected to pay.
#include <algorithm>

#include "engine/cuda/steps.h"
#include "kernels/separable.h"

namespace giemsa::cuda {

namespace {

kernels::SeparableParams params_of(const Graph& graph, NodeId depthwise, NodeId pointwise,
                                   std::int64_t input_pixel_stride, std::int64_t output_pixel_stride) {
  const auto &first = std::get<Conv2d>(graph[depthwise].op), &second = std::get<Conv2d>(graph[pointwise].op);
  const Shape& in = graph[graph[depthwise].inputs[0]].output.shape;
  return {
      .images = narrow(in[0]),
      .in_h = narrow(in[2]),
      .in_w = narrow(in[3]),
      .channels = narrow(in[1]),
      .out_channels = narrow(second.out_channels),
      .window = {extent_of(first.kernel), extent_of(first.stride), extent_of(first.padding), extent_of(first.dilation)},
      .input_pixel_stride = narrow(input_pixel_stride),
      .output_pixel_stride = narrow(output_pixel_stride),
      .depthwise_relu = first.activation == Activation::relu,
      .relu = second.activation == Activation::relu};
}

bool is_pointwise(const Conv2d& op) {
  return op.kernel == Size2{1, 1} && op.stride == Size2{1, 1} && op.padding == Size2{0, 0} && op.groups == 1 &&
         !op.residual;
}

}  // namespace

std::optional<NodeId> pointwise_after(const Graph& graph, NodeId id, const Context& context) {
  if (context.precision != DType::f16 || graph.is_output(id)) return std::nullopt;
  if (context.vendor) return std::nullopt;  // who is to compute matrix products
  const Node& node = graph[id];
  const auto* op = std::get_if<Conv2d>(&node.op);
  const std::int64_t channels = op ? graph[node.inputs[0]].output.shape[1] : 0;
  const std::int64_t vector = layout_rules(context.precision).channel_alignment;
  if (!op || op->residual || op->kernel != Size2{3, 3} || !is_depthwise(*op, channels) || channels % vector != 0)
    return std::nullopt;

  std::optional<NodeId> reader;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    if (std::ranges::find(graph.nodes()[i].inputs, id) == graph.nodes()[i].inputs.end()) continue;
    if (reader) return std::nullopt;  // a second one
    reader = NodeId{static_cast<std::int32_t>(i)};
  }
  const auto* pointwise = reader ? std::get_if<Conv2d>(&graph[*reader].op) : nullptr;
  if (!pointwise || !is_pointwise(*pointwise)) return std::nullopt;
  // The kernel writes fp16: some reader of the result has to want it so.
  const bool narrow_result = std::ranges::any_of(graph.nodes(), [&](const Node& next) {
    return std::holds_alternative<Conv2d>(next.op) && std::ranges::find(next.inputs, *reader) != next.inputs.end();
  });
  return narrow_result || graph[*reader].slot ? reader : std::nullopt;
}

PairPlan pair_plan(const Graph& graph, NodeId depthwise, NodeId pointwise, int branches, const Context& context) {
  const kernels::SeparableParams params =
      params_of(graph, depthwise, pointwise, graph[depthwise].output.shape[1], graph[pointwise].output.shape[1]);
  return context.tuning.plan_for(Pair{params, branches}, context.gpu.sm_count);
}

Step separable_step(StepBuilder& b) {
  const NodeId depthwise_id = *b.taken_in();
  const Node& depthwise = b.graph[depthwise_id];
  const Value *in = b.value(depthwise.inputs[0]), *out = b.output();
  const kernels::SeparableParams params = params_of(b.graph, depthwise_id, b.id, in->pixel_stride, out->pixel_stride);
  check(in->dtype == DType::f16 && out->dtype == DType::f16, ErrorKind::internal,
        "a separable convolution that is not in fp16 throughout");
  const PairPlan fused = pair_plan(b.graph, depthwise_id, b.id, branches_beside(b.graph, depthwise_id), b.context);
  check(fused.has_value(), ErrorKind::internal, "a depthwise convolution was taken in that should not be");
  const kernels::SeparablePlan plan = *fused;
  const LayerWeights first = b.context.weights.depthwise(depthwise, in->channels(), DType::f16);
  const LayerWeights second = b.context.weights.convolution(b.node, in->channels(), DType::f16);
  const Value* parts = b.scratch(kernels::workspace_bytes(params, plan));
  using kernels::Half;
  return [=](Stream stream) {
    const kernels::SeparableInputs inputs{in->as<Half>(), first.weight_as<Half>(), first.bias, second.weight_as<Half>(),
                                          second.bias};
    kernels::separable(out->as<Half>(), parts->as<float>(), inputs, params, plan, stream);
  };
}

}  // namespace giemsa::cuda
