// PyTorch's activations (tools/goldens.py), layer by layer: checkpoint -> converter -> file -> graph -> session.
#include <doctest/doctest.h>

#include "engine/cpu/backend.h"
#include "tests/nets/golden.h"
#include "tests/temporary_folder.h"

namespace giemsa {

using test::difference;
using test::Golden;
using test::told;

TEST_CASE("every golden network gives PyTorch's activations, layer by layer") {
  const auto folders = test::golden_folders();
  REQUIRE(folders.size() == 29);
  const auto backend = make_cpu_backend({.threads = 2, .precision = DType::f32});
  for (const auto& folder : folders) {
    CAPTURE(folder.filename().string());
    const Golden golden = test::read_golden(folder);
    const Model model = test::golden_model(golden, folder);

    std::set<std::string> all;
    for (const auto& [name, tensor] : golden.activations) all.insert(name);
    CHECK(compare_with_golden(golden, model, *backend, false) == all);

    const std::set<std::string> fused = compare_with_golden(golden, model, *backend, true);
    CHECK(fused.contains(golden.metadata.at("logits")));
    CHECK(fused.size() > 3);
  }
}

TEST_CASE("a wrong option does not pass for the golden network") {
  const std::filesystem::path folder = GIEMSA_SOURCE_DIR "/tests/golden/smp";
  const Golden golden = test::read_golden(folder);
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
