#include "tools/bench/network.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "nets/architecture.h"

namespace giemsa::bench {
namespace {

constexpr std::int64_t most_in_batch = 1024;

std::int64_t parse_batch(const std::string& text, const std::string& whole) {
  std::int64_t batch = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), batch);
  check(error == std::errc() && end == text.data() + text.size() && batch >= 1 && batch <= most_in_batch,
        ErrorKind::usage, "'", whole, "': expected WxH or a batch from 1 to ", most_in_batch, ", got '", text, "'");
  return batch;
}

}  // namespace

NetSpec NetSpec::parse(const std::string& text) {
  std::istringstream parts(text);
  NetSpec spec;
  std::getline(parts, spec.arch, ':');
  check(std::ranges::any_of(architectures(), [&](const Architecture& row) { return row.name == spec.arch; }),
        ErrorKind::usage, "no network '", spec.arch, "'; there are ", architecture_names());
  for (std::string part; std::getline(parts, part, ':');) {
    if (part.find('x') != std::string::npos)
      spec.size = InputSize::parse(part);
    else
      spec.batch = parse_batch(part, text);
  }
  return spec;
}

Model random_network(const std::string& arch) {
  return random_model(arch, std::string(architecture(arch, ErrorKind::usage).presets.front().name), 1);
}

Graph network_graph(const Model& model, const std::optional<InputSize>& size, std::int64_t batch) {
  const Size2 extent = size.value_or(model.info.input).resolve(usual_frame, size_multiple(model.info));
  Graph graph;
  const ValueId input = graph.input("input", {DType::f32, {batch, 3, extent.h, extent.w}});
  graph.mark_output(build_network(graph, input, model));
  return graph;
}

std::vector<float> network_input(const Graph& graph, std::uint32_t which) {
  std::vector<float> values(static_cast<std::size_t>(graph[graph.inputs()[0]].type.shape.volume()));
  std::uint32_t index = which * 1000003u;
  for (float& value : values) value = static_cast<float>(index++ * 2654435761u % 4093u) / 1024 - 2;
  return values;
}

void verify_session(Session& session, const std::vector<std::vector<float>>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const void* input = inputs[i].data();
    session.run({&input, 1});
    const auto first = session.output<float>();
    const std::vector<float> expected(first.begin(), first.end());
    check(std::ranges::all_of(expected, [](float value) { return std::isfinite(value); }), ErrorKind::internal,
          "input ", i, ": the network's output is not finite");
    session.run({&input, 1});
    const auto again = session.output<float>();
    check(std::memcmp(again.data(), expected.data(), expected.size() * sizeof(float)) == 0, ErrorKind::internal,
          "input ", i, ": two runs of the network give different outputs");
  }
}

}  // namespace giemsa::bench
