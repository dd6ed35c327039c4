// Networks by name, and the profile of a small graph.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/cpu/backend.h"
#include "tools/bench/layer_profile.h"
#include "tools/bench/network.h"
#include "tools/bench/trace_json.h"

using namespace giemsa;
using namespace giemsa::bench;

namespace {

/// Two layers on {1,3,5,7}.
std::unique_ptr<Session> small_session(float weight) {
  Graph graph;
  const ValueId input = graph.input("input", {DType::f32, {1, 3, 5, 7}});
  Weights weights;
  weights.weight = Tensor::from({2, 3, 1, 1}, std::vector<float>(6, weight));
  const ValueId conv = graph.add("conv", Conv2d{2}, {input}, std::move(weights));
  graph.mark_output(graph.add("pool", AdaptiveAvgPool{{1, 1}}, {conv}));
  return make_cpu_backend({1, DType::f32})->compile(graph);
}

/// One value out, which grows by `step` from run to run.
class DriftingSession final : public Session {
 public:
  explicit DriftingSession(float step) : Session(graph()), step_(step) {}

 private:
  static Graph graph() {
    Graph graph;
    graph.mark_output(graph.input("input", {DType::f32, {1}}));
    return graph;
  }
  void begin(std::span<const void* const>) override { value_ += step_; }
  void run_node(NodeId) override {}
  void end() override {}
  const void* output_data(std::size_t) const override { return &value_; }
  Tensor value_of(ValueId) const override { return {}; }

  float step_, value_ = 0;
};

std::string op_name(const Op& op) {
  return std::string(name_of(op));
}

}  // namespace

TEST_CASE("net spec: what may be left out") {
  const NetSpec plain = NetSpec::parse("alexnet");
  CHECK(plain.arch == "alexnet");
  CHECK(plain.batch == 1);
  CHECK_FALSE(plain.size);
  CHECK(NetSpec::parse("alexnet:16").batch == 16);
  const NetSpec full = NetSpec::parse("deeplabv3plus:512x256:2");
  CHECK(full.size->fixed == Size2{256, 512});
  CHECK(full.batch == 2);
}

TEST_CASE("net spec: what cannot be read is named") {
  for (const char* text : {"", "vgg", "alexnet:0", "alexnet:-1", "alexnet:many", "alexnet:1025", "alexnet:0x5",
                           "alexnet::2", "alexnet:1 "}) {
    CAPTURE(text);
    CHECK_THROWS_AS(NetSpec::parse(text), Error);
  }
}

TEST_CASE("network input: finite, different each time") {
  const auto session = small_session(1);
  const auto first = network_input(session->graph(), 0), second = network_input(session->graph(), 1);
  CHECK(first.size() == 3 * 5 * 7);
  CHECK(first != second);
  CHECK(std::ranges::all_of(first, [](float value) { return value >= -2 && value <= 2; }));
}

TEST_CASE("verification: what is not finite is refused") {
  const auto session = small_session(1);
  auto input = network_input(session->graph(), 0);
  CHECK_NOTHROW(verify_session(*session, {input}));
  input[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(verify_session(*session, {input}), doctest::Contains("not finite"), Error);
}

TEST_CASE("verification: what differs from run to run is refused") {
  DriftingSession steady(0), drifting(1e-6f);
  CHECK_NOTHROW(verify_session(steady, {{1}}));
  CHECK_THROWS_WITH_AS(verify_session(drifting, {{1}}), doctest::Contains("different outputs"), Error);
}

TEST_CASE("profile: layers in order, with their work") {
  const auto session = small_session(1);
  const LayerProfile profile = profile_layers(*session, DType::f32, network_input(session->graph(), 0), 4);
  CHECK(profile.runs == 4);
  REQUIRE(profile.layers.size() == session->graph().nodes().size());
  const auto conv = std::ranges::find(profile.layers, "conv", &LayerTime::name);
  REQUIRE(conv != profile.layers.end());
  CHECK(conv->flops == 2 * 2 * 3 * 35);
  CHECK(conv->bytes == 4 * (3 * 35 + 2 * 35 + 6));
  double sum = 0;
  for (const LayerTime& layer : profile.layers) sum += layer.ms;
  CHECK(sum <= profile.total_ms);
  CHECK(session->layer_ms().empty());  // left as it was found
  const auto narrow = profile_layers(*session, DType::bf16, network_input(session->graph(), 0), 1);
  CHECK(std::ranges::find(narrow.layers, "conv", &LayerTime::name)->bytes == 2 * (3 * 35 + 2 * 35 + 6));
}

TEST_CASE("profile: the ceiling that is met first") {
  const Ceilings ceilings{.fp32_flops = 1e9, .bf16_flops = 4e9, .copy_bytes = 1e9};
  LayerTime layer;
  layer.flops = 8e6;
  layer.bytes = 1e6;
  CHECK(least_ms(layer, ceilings, DType::f32) == doctest::Approx(8));
  CHECK(least_ms(layer, ceilings, DType::bf16) == doctest::Approx(2));
  CHECK(least_ms(layer, {.fp32_flops = 1e9, .fp16_flops = 2e9, .copy_bytes = 1e9}, DType::f16) == doctest::Approx(4));
  layer.bytes = 1e7;
  CHECK(least_ms(layer, ceilings, DType::f32) == doctest::Approx(10));
  CHECK(least_ms(layer, {.fp32_flops = 0, .bf16_flops = 0, .copy_bytes = 1e9}, DType::f32) == doctest::Approx(10));
}

TEST_CASE("trace: layers lie end to end below the run") {
  const auto session = small_session(1);
  LayerProfile profile{{}, 5, 3};
  const std::size_t layers = session->graph().nodes().size();
  for (std::size_t i = 0; i < layers; ++i)
    profile.layers.push_back({cat("layer", i), NodeId{static_cast<std::int32_t>(i)}, 1, 2, 1e6, 1e6});
  const Ceilings ceilings{.fp32_flops = 1e9, .bf16_flops = 0, .copy_bytes = 1e9};
  const Json trace = trace_json(profile, session->graph(), DType::f32, &ceilings, {{"device", "cpu"}}, op_name);
  CHECK(trace["otherData"]["device"] == "cpu");
  std::vector<Json> events;
  for (const Json& event : trace["traceEvents"])
    if (event["ph"] == "X") events.push_back(event);
  REQUIRE(events.size() == layers + 1);
  CHECK(events[0]["dur"] == 5000);
  for (std::size_t i = 0; i < layers; ++i) {
    CHECK(events[i + 1]["ts"] == 1000.0 * static_cast<double>(i));
    CHECK(events[i + 1]["dur"] == 1000);
    CHECK(events[i + 1]["args"]["percent_of_limit"] == 50);
  }
  const Json unlimited = trace_json(profile, session->graph(), DType::f32, nullptr, {}, op_name);
  CHECK_FALSE(unlimited["traceEvents"][3]["args"].contains("percent_of_limit"));
}

TEST_CASE("trace: limits are those that the device has") {
  const auto session = small_session(1);
  LayerProfile profile{{}, 5, 3};
  profile.layers.push_back({"layer", NodeId{0}, 1, 2, 1e6, 1e6});
  const Ceilings of_gpu{.fp32_flops = 6e13, .fp16_flops = 6e14, .copy_bytes = 3e12};
  const Ceilings of_cpu{.fp32_flops = 4e11, .bf16_flops = 8e11, .copy_bytes = 1e10};
  const auto other = [&](const Ceilings& ceilings) {
    return trace_json(profile, session->graph(), DType::f32, &ceilings, {}, op_name)["otherData"];
  };
  CHECK(other(of_gpu) == Json{{"fp32_flops", 6e13}, {"fp16_flops", 6e14}, {"copy_bytes", 3e12}});
  CHECK(other(of_cpu) == Json{{"fp32_flops", 4e11}, {"bf16_flops", 8e11}, {"copy_bytes", 1e10}});
  const auto table = [&](const Ceilings& ceilings) {
    return trace_table(profile, session->graph(), DType::f32, &ceilings, 1, op_name);
  };
  CHECK(table(of_gpu).find("limit: 60000 GFLOP/s fp32, 600000 fp16, 3000.0 GB/s copied") != std::string::npos);
  CHECK(table(of_gpu).find("mma.sync") != std::string::npos);
  CHECK(table(of_cpu).find("limit: 400 GFLOP/s fp32, 800 bf16, 10.0 GB/s copied") != std::string::npos);
  CHECK(table(of_cpu).find("mma.sync") == std::string::npos);
}

TEST_CASE("trace table: slowest first, no more than asked for") {
  const auto session = small_session(1);
  LayerProfile profile{{}, 5, 3};
  for (std::size_t i = 0; i < session->graph().nodes().size(); ++i)
    profile.layers.push_back(
        {cat("layer", i), NodeId{static_cast<std::int32_t>(i)}, 1, 1.0 + static_cast<double>(i), 1, 1});
  const std::string table = trace_table(profile, session->graph(), DType::f32, nullptr, 2, op_name);
  CHECK(table.find("layer2") < table.find("layer1"));
  CHECK(table.find("layer0") == std::string::npos);
}
