// Names of ops, and what a node costs on any machine.
#include "engine/graph.h"

namespace giemsa {

namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;  // clang 14 does not deduce aggregates by itself

double bytes_of(const TensorType& type) {
  return static_cast<double>(type.shape.volume()) * static_cast<double>(size_of(type.dtype));
}

}  // namespace

std::string_view name_of(const Op& op) {
  return std::visit(Overloaded{
                        [](const Input&) { return "input"; },
                        [](const Conv2d&) { return "conv2d"; },
                        [](const BatchNorm&) { return "batch_norm"; },
                        [](const Relu&) { return "relu"; },
                        [](const Add&) { return "add"; },
                        [](const MaxPool&) { return "max_pool"; },
                        [](const AdaptiveAvgPool&) { return "adaptive_avg_pool"; },
                        [](const Lrn&) { return "lrn"; },
                        [](const Flatten&) { return "flatten"; },
                        [](const Linear&) { return "linear"; },
                        [](const Softmax&) { return "softmax"; },
                        [](const Concat&) { return "concat"; },
                        [](const Upsample&) { return "upsample"; },
                        [](const Threshold&) { return "threshold"; },
                        [](const UpsampleThreshold&) { return "upsample_threshold"; },
                        [](const Preprocess&) { return "preprocess"; },
                        [](const FillHoles&) { return "fill_holes"; },
                        [](const AreaOpen&) { return "area_open"; },
                        [](const Components&) { return "components"; },
                        [](const CleanAndLabel&) { return "clean_and_label"; },
                        [](const ResizeLabels&) { return "resize_labels"; },
                        [](const Regions&) { return "regions"; },
                        [](const CropResize&) { return "crop_resize"; },
                    },
                    op);
}

Cost cost_of(const Graph& graph, NodeId id) {
  const Node& node = graph[id];
  if (std::holds_alternative<Input>(node.op)) return {};
  Cost cost;
  cost.bytes = bytes_of(node.output);
  for (NodeId input : node.inputs) cost.bytes += bytes_of(graph[input].output);
  for (const Tensor* tensor : {&node.weights.weight, &node.weights.bias, &node.weights.scale,
                               &node.weights.running_mean, &node.weights.running_var}) {
    if (!*tensor) continue;
    cost.bytes += static_cast<double>(tensor->byte_size());
    cost.parameters += tensor->size();
  }
  const auto volume = static_cast<double>(node.output.shape.volume());
  const auto input_volume =
      node.inputs.empty() ? 0.0 : static_cast<double>(graph[node.inputs[0]].output.shape.volume());
  cost.flops = std::visit(
      Overloaded{
          [&](const Conv2d& op) {
            const std::int64_t taps = graph[node.inputs[0]].output.shape[1] / op.groups * op.kernel.h * op.kernel.w;
            return volume * 2 * static_cast<double>(taps);
          },
          [&](const Linear&) { return volume * 2 * static_cast<double>(graph[node.inputs[0]].output.shape[1]); },
          [&](const BatchNorm&) { return volume * 2; },
          [&](const Add&) { return volume; },
          [&](const MaxPool& op) { return volume * static_cast<double>(op.kernel.h * op.kernel.w); },
          [&](const AdaptiveAvgPool&) { return input_volume; },
          [&](const Lrn& op) { return volume * static_cast<double>(2 * op.size); },
          [&](const Upsample&) { return volume * 7; },
          [](const auto&) { return 0.0; },
      },
      node.op);
  return cost;
}

}  // namespace giemsa
