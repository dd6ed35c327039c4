#include "tools/bench/layer_profile.h"

#include <algorithm>

#include "tools/bench/calls.h"
#include "tools/bench/distribution.h"

namespace giemsa::bench {
namespace {

/// cost_of() counts fp32; feature maps and convolutions' weights are narrower in another precision.
double bytes_of(const Graph& graph, const Node& node, DType precision) {
  double bytes = cost_of(graph, node).bytes;
  if (std::holds_alternative<Input>(node.op)) return bytes;
  const double narrower = static_cast<double>(size_of(DType::f32)) - static_cast<double>(size_of(precision));
  const auto narrow = [&](const TensorType& type) {
    if (is_feature_map(type)) bytes -= narrower * static_cast<double>(type.shape.volume());
  };
  for (ValueId output : node.outputs) narrow(graph[output].type);
  for (ValueId input : node.inputs) narrow(graph[input].type);
  for (const Weights& layer : node.weights)
    if (layer.weight) narrow({layer.weight.dtype(), layer.weight.shape()});
  return bytes;
}

/// The index of the run whose total is the median, or the shorter one of the two in the middle.
std::size_t median_run(const std::vector<double>& totals) {
  std::vector<std::size_t> order(totals.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return totals[i]; });
  return order[(order.size() - 1) / 2];
}

}  // namespace

LayerProfile profile_layers(Session& session, DType precision, const std::vector<float>& input, int runs) {
  const void* values = input.data();
  session.time_layers(true);
  for (int i = 0; i < 3; ++i) session.run({&values, 1});

  std::vector<std::vector<double>> layers_of_run;
  std::vector<double> totals;
  for (int run = 0; run < runs; ++run) {
    const auto start = Clock::now();
    session.run({&values, 1});
    totals.push_back(ms_since(start));
    layers_of_run.emplace_back(session.layer_ms().begin(), session.layer_ms().end());
  }
  session.time_layers(false);

  LayerProfile profile;
  profile.runs = runs;
  const std::size_t shown = median_run(totals);
  profile.total_ms = totals[shown];
  const Graph& graph = session.graph();
  for (NodeId id : node_ids(graph)) {
    const Node& node = graph[id];
    std::vector<double> ms;
    for (const auto& layers : layers_of_run) ms.push_back(layers[index_of(id)]);
    profile.layers.push_back({graph[node.outputs.back()].name, id, layers_of_run[shown][index_of(id)],
                              distribution_of(ms).p50, cost_of(graph, node).flops, bytes_of(graph, node, precision),
                              session.computed_by(id)});
  }
  return profile;
}

double least_ms(const LayerTime& layer, const Ceilings& ceilings, DType precision) {
  const double flops = precision == DType::f16 && ceilings.fp16_flops > 0    ? ceilings.fp16_flops
                       : precision == DType::bf16 && ceilings.bf16_flops > 0 ? ceilings.bf16_flops
                       : precision == DType::i8 && ceilings.int8_ops > 0     ? ceilings.int8_ops
                                                                             : ceilings.fp32_flops;
  const double arithmetic = flops > 0 ? layer.flops / flops : 0;
  return 1000 * std::max(arithmetic, layer.bytes / ceilings.copy_bytes);
}

}  // namespace giemsa::bench
