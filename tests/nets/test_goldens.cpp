// PyTorch's activations (tools/goldens.py), layer by layer: checkpoint -> converter -> file -> graph -> session.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "engine/cpu/backend.h"
#include "nets/convert.h"
#include "nets/model.h"
#include "tests/nets/temporary_folder.h"
#include "weights/safetensors.h"

namespace giemsa {

namespace {

struct Golden {
  std::string name;
  TensorMap activations;
  std::map<std::string, std::string> metadata;
};

std::vector<std::filesystem::path> golden_folders() {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(GIEMSA_SOURCE_DIR "/tests/golden"))
    if (std::filesystem::exists(entry.path() / "activations.safetensors")) folders.push_back(entry.path());
  std::ranges::sort(folders);
  return folders;
}

Golden read_golden(const std::filesystem::path& folder) {
  Checkpoint file = read_safetensors(folder / "activations.safetensors");
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

/// Roundings between the image and each value, along the longest path: the products and sums of a convolution or linear
/// layer, and a handful elsewhere.
std::map<std::string, double> roundings(const Graph& graph) {
  std::map<std::string, double> result;
  for (const Node& node : graph.nodes()) {
    double longest = 0;
    for (NodeId id : node.inputs) longest = std::max(longest, result.at(graph[id].value));
    double own = 6;  // interpolation: two products and a sum per axis; normalisation: about as many
    const auto* pool = std::get_if<AdaptiveAvgPool>(&node.op);
    const bool averages = pool && pool->output == Size2{1, 1};
    if (averages)
      own = static_cast<double>(graph[node.inputs[0]].output.shape[2] * graph[node.inputs[0]].output.shape[3]);
    // A folded batch norm rounds each weight once more.
    if (const Tensor& weight = node.weights.weight; weight && weight.shape().rank() >= 2)
      own += static_cast<double>(weight.size() / weight.shape()[0]) + 1;
    result[node.value] = longest + own;
  }
  return result;
}

struct Difference {
  double worst = 0, largest = 0;  ///< greatest deviation and greatest golden magnitude
};

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

/// Runs the converted network on the golden input and compares each value that the golden file has.
/// Tolerance: unit roundoff times the roundings on the way times the layer's largest magnitude, which bounds what
/// He-scaled layers (gain about one) pass on. Returns the names compared.
std::set<std::string> compare(const Golden& golden, const Model& model, bool optimized) {
  const Tensor& input = golden.activations.at("input");
  Graph graph;
  const NodeId image = graph.input("input", {DType::f32, input.shape()});
  const NodeId logits = build_network(graph, image, model);
  CHECK(graph[logits].name == golden.metadata.at("logits"));
  graph.mark_output(logits);
  const std::map<std::string, double> count = roundings(graph);

  const auto session = make_cpu_backend({.threads = 2, .precision = DType::f32})->compile(graph, optimized);
  std::set<std::string> compared;
  session->observe([&](const Node& node, const Tensor& value) {
    const auto expected = golden.activations.find(node.value);
    if (expected == golden.activations.end()) return;
    const auto [worst, largest] = difference(value, expected->second);
    const double tolerance = 0x1p-24 * count.at(node.value) * largest;
    CHECK_MESSAGE(!!(worst <= tolerance), golden.name, " ", node.value, ": off by ", worst, ", tolerance ", tolerance);
    compared.insert(node.value);
  });
  const Tensor values = to_f32(input);
  const void* data = values.bytes().data();
  session->run(std::span(&data, 1));
  return compared;
}

}  // namespace

TEST_CASE("every golden network gives PyTorch's activations, layer by layer") {
  const auto folders = golden_folders();
  REQUIRE(folders.size() == 11);
  const test::TemporaryFolder temporary;
  for (const auto& folder : folders) {
    CAPTURE(folder.filename().string());
    const Golden golden = read_golden(folder);
    const auto file = temporary / (golden.name + ".safetensors");
    ConvertOptions options = told(golden, folder, file);
    options.overrides["dtype"] = "fp32";
    convert(options);
    const Model model = load_model(file);

    std::set<std::string> all;
    for (const auto& [name, tensor] : golden.activations) all.insert(name);
    CHECK(compare(golden, model, false) == all);

    const std::set<std::string> fused = compare(golden, model, true);
    CHECK(fused.contains(golden.metadata.at("logits")));
    CHECK(fused.size() > 3);
  }
}

TEST_CASE("a wrong option does not pass for the golden network") {
  const std::filesystem::path folder = GIEMSA_SOURCE_DIR "/tests/golden/smp";
  const Golden golden = read_golden(folder);
  const test::TemporaryFolder temporary;
  const auto logits_error = [&](const std::string& option, const std::string& value) {
    ConvertOptions options = told(golden, folder, temporary / "wrong.safetensors");
    if (!option.empty()) options.overrides[option] = value;
    convert(options);
    const Model model = load_model(options.target);
    Graph graph;
    const Tensor input = to_f32(golden.activations.at("input"));
    graph.mark_output(build_network(graph, graph.input("input", {DType::f32, input.shape()}), model));
    const auto session = make_cpu_backend({.threads = 2, .precision = DType::f32})->compile(graph);
    const void* data = input.bytes().data();
    session->run(std::span(&data, 1));
    const Tensor& expected = golden.activations.at(golden.metadata.at("logits"));
    const auto output = session->output<float>();
    const auto [worst, largest] =
        difference(Tensor::from(expected.shape(), std::vector<float>(output.begin(), output.end())), expected);
    return worst / largest;
  };
  const double right = logits_error("", "");
  CHECK(!!(right < 1e-4));
  for (const auto& [option, value] : std::map<std::string, std::string>{{"align_corners", "false"},
                                                                        {"aspp_rates", "6,12,18"},
                                                                        {"dilation", "contracted"},
                                                                        {"head_bn_eps", "0.001"},
                                                                        {"decoder_concat", "low_first"}}) {
    CAPTURE(option);
    CHECK(!!(logits_error(option, value) > 100 * right));
  }
}

}  // namespace giemsa
