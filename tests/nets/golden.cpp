#include "tests/nets/golden.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/temporary_folder.h"
#include "weights/safetensors.h"

namespace giemsa::test {

std::map<std::string, double> roundings(const Graph& graph, bool sums_are_wider) {
  std::map<std::string, double> result;
  for (const Node& node : graph.nodes()) {
    double longest = 0;
    for (ValueId id : node.inputs) longest = std::max(longest, result.at(graph[id].name));
    double own = 6;  // interpolation: two products and a sum per axis; normalisation: about as many
    const auto* pool = std::get_if<AdaptiveAvgPool>(&node.op);
    const bool averages = pool && pool->output == Size2{1, 1};
    if (averages && !sums_are_wider)
      own = static_cast<double>(graph[node.inputs[0]].type.shape[2] * graph[node.inputs[0]].type.shape[3]);
    // A folded batch norm rounds each weight once more.
    const Tensor weight = node.weights.empty() ? Tensor() : node.weights[0].weight;
    if (weight && weight.shape().rank() >= 2 && !sums_are_wider)
      own += static_cast<double>(weight.size() / weight.shape()[0]) + 1;
    for (ValueId id : node.outputs) result[graph[id].name] = longest + own;
  }
  return result;
}

std::vector<std::filesystem::path> golden_folders() {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(GIEMSA_SOURCE_DIR "/tests/golden"))
    if (std::filesystem::exists(entry.path() / "activations.safetensors")) folders.push_back(entry.path());
  std::ranges::sort(folders);
  return folders;
}

Golden read_golden(const std::filesystem::path& folder) {
  TensorFile file = read_safetensors(folder / "activations.safetensors");
  return {folder.filename().string(), std::move(file.tensors), std::move(file.metadata)};
}

ConvertOptions told(const Golden& golden, const std::filesystem::path& folder, const std::filesystem::path& target) {
  ConvertOptions options{folder / "checkpoint.pt", target, {}, {}, {}};
  for (const auto& [key, value] : golden.metadata)
    if (key.starts_with("convert.")) options.overrides[key.substr(8)] = value;
  options.arch = options.overrides.extract("arch").mapped();
  options.preset = options.overrides.extract("preset").mapped();
  return options;
}

Model golden_model(const Golden& golden, const std::filesystem::path& folder) {
  const TemporaryFolder temporary;
  ConvertOptions options = told(golden, folder, temporary / (golden.name + ".safetensors"));
  options.overrides["dtype"] = "fp32";
  convert(options);
  return load_model(options.target);  // mapped: outlives its name
}

Difference difference(const Tensor& actual, const Tensor& golden) {
  REQUIRE(actual.shape() == golden.shape());
  const Tensor expected = to_f32(golden);
  Difference result;
  for (std::size_t i = 0; i < actual.as<float>().size(); ++i) {
    const double error = std::abs(double{actual.as<float>()[i]} - expected.as<float>()[i]);
    if (!(error <= result.worst)) result.worst = error;  // a NaN stays
    result.largest = std::max<double>(result.largest, std::abs(expected.as<float>()[i]));
  }
  return result;
}

std::set<std::string> compare_with_golden(const Golden& golden, const Model& model, Backend& backend, bool optimized,
                                          const std::function<void(Session&)>& look) {
  const Tensor& input = golden.activations.at("input");
  Graph graph;
  const ValueId image = graph.input("input", {DType::f32, input.shape()});
  const ValueId logits = build_network(graph, image, model);
  CHECK(graph[logits].name == golden.metadata.at("logits"));
  graph.mark_output(logits);
  if (const auto centres = centre_offsets(graph, model)) graph.mark_output(*centres);
  const bool fp16 = backend.precision() == DType::f16;
  const double unit = fp16 ? 0x1p-11 : 0x1p-24;
  const std::map<std::string, double> count = roundings(graph, fp16);

  const auto session = backend.compile(graph, optimized);
  if (look) look(*session);
  std::set<std::string> compared;
  session->observe([&](const Value& value, const Tensor& actual) {
    const auto expected = golden.activations.find(value.name);
    if (expected == golden.activations.end()) return;
    const auto [worst, largest] = difference(actual, expected->second);
    const double tolerance = unit * count.at(value.name) * largest;
    CHECK_MESSAGE(!!(worst <= tolerance), golden.name, " ", value.name, ": off by ", worst, ", tolerance ", tolerance);
    compared.insert(value.name);
  });
  const Tensor values = to_f32(input);
  const void* data = values.bytes().data();
  session->run(std::span(&data, 1));
  return compared;
}

}  // namespace giemsa::test
