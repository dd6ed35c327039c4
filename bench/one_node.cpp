#include "bench/one_node.h"

#include <algorithm>
#include <iostream>

#include "engine/cpu/backend.h"
#include "tools/bench/ceilings.h"

namespace giemsa {

namespace {

/// Measured at the first call.
const bench::Ceilings& ceilings() {
  static const bench::Ceilings measured = bench::measure_ceilings(cpu_facts().cores);
  return measured;
}

/// One backend a precision, and none of its weights kept longer than a benchmark runs.
std::shared_ptr<Backend> backend_for(DType precision) {
  return make_cpu_backend({0, precision});
}

/// cost_of counts four bytes for each value of the network's precision.
double bytes_at(DType precision, const Graph& graph, const Node& node) {
  double bytes = cost_of(graph, node).bytes;
  if (precision == DType::f32) return bytes;
  const auto narrow = [&](const TensorType& type) {
    if (is_feature_map(type)) bytes -= 2 * static_cast<double>(type.shape.volume());
  };
  for (ValueId output : node.outputs) narrow(graph[output].type);
  for (ValueId input : node.inputs) narrow(graph[input].type);
  for (const Weights& layer : node.weights)
    if (layer.weight.shape().rank() == 4) bytes -= static_cast<double>(layer.weight.byte_size()) / 2;
  return bytes;
}

std::vector<InputBytes> arbitrary_inputs(const Graph& graph) {
  std::vector<InputBytes> inputs;
  for (ValueId id : graph.inputs()) inputs.push_back(arbitrary(graph[id].type));
  return inputs;
}

}  // namespace

InputBytes arbitrary(const TensorType& type) {
  const auto count = static_cast<std::size_t>(type.shape.volume());
  InputBytes bytes(count * size_of(type.dtype));
  std::uint32_t state = 1;
  const auto next = [&] { return (state = state * 1664525u + 1013904223u) >> 8; };
  if (type.dtype == DType::f32)
    for (std::size_t i = 0; i < count; ++i) {
      const float value = static_cast<float>(next()) * 0x1p-23f - 1;
      std::memcpy(&bytes[i * sizeof value], &value, sizeof value);
    }
  else
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(next()); });
  return bytes;
}

Graph graph_of(Node node, const std::vector<TensorType>& inputs) {
  Graph graph;
  node.inputs.clear();
  for (std::size_t i = 0; i < inputs.size(); ++i) node.inputs.push_back(graph.input(cat("input ", i), inputs[i]));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) names.push_back(cat(node.name, ' ', i));
  const NodeId added = graph.add(std::move(node), names);
  for (ValueId output : graph[added].outputs) graph.mark_output(output);
  return graph;
}

Graph graph_of(const Op& op, const std::vector<TensorType>& inputs) {
  return graph_of(Node{.name = "op", .op = op, .inputs = {}, .outputs = {ValueId{}}}, inputs);
}

void register_node(const std::string& name, DType precision, std::function<Graph()> make_graph,
                   std::function<std::vector<InputBytes>(const Graph&)> make_inputs) {
  const auto body = [=](benchmark::State& state) {
    const Graph graph = make_graph();
    const auto inputs = make_inputs ? make_inputs(graph) : arbitrary_inputs(graph);
    std::vector<const void*> pointers;
    for (const InputBytes& input : inputs) pointers.push_back(input.data());
    const auto session = backend_for(precision)->compile(graph, false);
    session->run(pointers);
    session->time_layers(true);
    double seconds = 0;
    for (auto _ : state) {
      session->run(pointers);
      state.SetIterationTime(session->layer_ms().back() * 1e-3);
      seconds += session->layer_ms().back() * 1e-3;
    }
    const Node& last = graph.nodes().back();
    const auto runs = static_cast<double>(state.iterations());
    const double flops = runs * cost_of(graph, last).flops / seconds;
    const double bytes = runs * bytes_at(precision, graph, last) / seconds;
    const double most = precision == DType::bf16 ? ceilings().bf16_flops : ceilings().fp32_flops;
    if (flops > 0) state.counters["GFLOP/s"] = flops * 1e-9;
    if (flops > 0) state.counters["%flops"] = 100 * flops / most;
    state.counters["GB/s"] = bytes * 1e-9;
    state.counters["%copy"] = 100 * bytes / ceilings().copy_bytes;
  };
  benchmark::RegisterBenchmark(cat(name, "/", precision).c_str(), body)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

std::vector<DType> precisions() {
  if (cpu_facts().fast_bf16) return {DType::f32, DType::bf16};
  return {DType::f32};
}

int run_benchmarks(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const bench::Ceilings& c = ceilings();
  // Whoever reads the JSON need not measure them again. FLOP/s and bytes/s.
  for (const auto& [key, value] :
       {std::pair{"fp32_flops", c.fp32_flops}, {"bf16_flops", c.bf16_flops}, {"copy_bytes", c.copy_bytes}})
    benchmark::AddCustomContext(key, cat(value));
  std::cerr << make_cpu_backend()->device_name() << "; ceilings: " << c.fp32_flops * 1e-9 << " GFLOP/s fp32, "
            << c.bf16_flops * 1e-9 << " bf16, " << c.copy_bytes * 1e-9 << " GB/s copied\n";
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace giemsa
