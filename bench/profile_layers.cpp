// giemsa-profile MODEL WIDTHxHEIGHT [BATCH] [fp32|bf16|int8] [THREADS]: where a network's time goes, slowest layer
// first.
//
// MODEL is a .safetensors file, or "deeplabv3plus" or "alexnet" for random weights. Each layer's time is the median
// over the runs. GFLOP/s and GB/s count what the layer must at least do: each value read and written once.
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <numeric>

#include "bench/network.h"
#include "engine/cpu/backend.h"

namespace giemsa {
namespace {

struct Layer {
  std::string name, op;
  Shape output;
  Cost cost;
  std::vector<double> samples;
  double ms = 0;
};

constexpr int runs = 25;

std::vector<Layer> profile(Session& session, const std::vector<float>& input) {
  const Graph& graph = session.graph();
  std::vector<Layer> layers;
  for (const Node& node : graph.nodes()) {
    const Value& output = graph[node.output()];
    layers.push_back({output.name, std::string(name_of(node.op)), output.type.shape, cost_of(graph, node), {}, 0});
  }
  const void* pixels = input.data();
  session.run({&pixels, 1});
  session.time_layers(true);
  for (int run = 0; run < runs; ++run) {
    session.run({&pixels, 1});
    for (std::size_t i = 0; i < layers.size(); ++i) layers[i].samples.push_back(session.layer_ms()[i]);
  }
  for (Layer& layer : layers) {
    const auto middle = layer.samples.begin() + runs / 2;
    std::nth_element(layer.samples.begin(), middle, layer.samples.end());
    layer.ms = *middle;
  }
  return layers;
}

void print(std::vector<Layer> layers) {
  const double total =
      std::accumulate(layers.begin(), layers.end(), 0.0, [](double sum, const Layer& layer) { return sum + layer.ms; });
  std::ranges::sort(layers, std::greater{}, &Layer::ms);
  std::cout << std::fixed << std::setprecision(3) << "sum of layers: " << total << " ms\n"
            << std::setw(9) << "ms" << std::setw(7) << "%" << std::setw(9) << "GFLOP/s" << std::setw(9) << "GB/s"
            << "  layer\n";
  for (const Layer& layer : layers)
    std::cout << std::setprecision(3) << std::setw(9) << layer.ms << std::setprecision(1) << std::setw(7)
              << 100 * layer.ms / total << std::setw(9) << layer.cost.flops / layer.ms * 1e-6 << std::setw(9)
              << layer.cost.bytes / layer.ms * 1e-6 << "  " << layer.name << "  " << layer.op << ' ' << layer.output
              << '\n';
}

void main_(std::span<char*> arguments) {
  check(arguments.size() >= 3, ErrorKind::usage,
        "usage: giemsa-profile MODEL WIDTHxHEIGHT [BATCH] [fp32|bf16|int8] [THREADS]");
  const auto argument = [&](std::size_t i, const char* otherwise) {
    return arguments.size() > i ? arguments[i] : otherwise;
  };
  const Model model = open_or_invent(arguments[1]);
  const Size2 size = InputSize::parse(arguments[2]).fixed;
  const std::int64_t batch = std::stoll(argument(3, "1"));
  const auto backend = make_cpu_backend({std::stoi(argument(5, "0")), parse_precision(argument(4, "fp32"))});
  check_scales(model, backend->precision());
  const auto session = backend->compile(network_graph(model, batch, size));

  std::vector<float> input(static_cast<std::size_t>(Shape{batch, 3, size.h, size.w}.volume()));
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i * 2654435761u % 4093) / 1024 - 2;
  std::cout << model.file << ", " << arguments[2] << ", batch " << batch << ", " << backend->precision() << ", "
            << backend->device_name() << ", " << runs << " runs\n";
  print(profile(*session, input));
}

}  // namespace
}  // namespace giemsa

int main(int argc, char** argv) {
  try {
    giemsa::main_({argv, static_cast<std::size_t>(argc)});
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "giemsa-profile: error: " << error.what() << '\n';
    return 2;
  }
}
