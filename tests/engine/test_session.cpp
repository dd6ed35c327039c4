// What sessions offer beside results: observers, dumps, times, shared weights, concurrency.
#include "engine/run/session.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <thread>

#include "engine/base/npy.h"
#include "tests/engine/building.h"
#include "tests/engine/error_text.h"
#include "tests/engine/running.h"

namespace giemsa {

namespace {

using test::Net;
using test::square;

/// x -> conv + norm + relu -> conv -> sum with x's pool: small, and passes rename two values.
Net small_net() {
  Net net;
  const ValueId x = net.input("x", {1, 4, 6, 6});
  const ValueId y = net.relu("relu", net.norm("norm", net.conv("conv", x, square(4, 3))));
  const ValueId pool = net.graph.add("pool", MaxPool{{3, 3}, {1, 1}, {1, 1}}, {x});
  net.output(net.add("sum", pool, net.conv("last", y, square(4, 1))));
  return net;
}

std::vector<Tensor> small_input(std::uint64_t seed = 50) {
  return {ref::random_tensor({1, 4, 6, 6}, seed)};
}

/// Every value that a run of `session` shows.
std::map<std::string, std::vector<float>> observed(Session& session, std::span<const Tensor> inputs) {
  std::map<std::string, std::vector<float>> values;
  session.observe([&](const Value& value, const Tensor& tensor) {
    CHECK(tensor.shape() == value.type.shape);
    values[value.name] = {tensor.as<float>().begin(), tensor.as<float>().end()};
  });
  test::run(session, inputs);
  session.observe({});
  return values;
}

std::vector<std::string> keys_of(const std::map<std::string, std::vector<float>>& values) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : values) keys.push_back(key);
  return keys;
}

}  // namespace

TEST_CASE("observers see every value by its name") {
  const Net net = small_net();
  const std::vector<Tensor> inputs = small_input();
  const auto optimized = test::cpu().compile(net.graph), built = test::cpu().compile(net.graph, false);
  const auto fused = observed(*optimized, inputs), all = observed(*built, inputs);
  CHECK(keys_of(fused) == std::vector<std::string>{"pool", "relu", "sum", "x"});
  CHECK(keys_of(all) == std::vector<std::string>{"conv", "last", "norm", "pool", "relu", "sum", "x"});
  CHECK(std::ranges::equal(fused.at("x"), inputs[0].as<float>()));
  CHECK(fused.at("pool") == all.at("pool"));
  CHECK(fused.at("sum") == test::run(*optimized, inputs)[0]);
  for (std::size_t i = 0; i < fused.at("relu").size(); ++i)
    CHECK(fused.at("relu")[i] == doctest::Approx(all.at("relu")[i]).epsilon(1e-5));
}

TEST_CASE("an observer that is taken off sees nothing more") {
  const auto session = test::cpu().compile(small_net().graph);
  int calls = 0;
  session->observe([&](const Value&, const Tensor&) { ++calls; });
  test::run(*session, small_input());
  CHECK(calls == static_cast<int>(session->graph().nodes().size()));
  session->observe({});
  test::run(*session, small_input());
  CHECK(calls == static_cast<int>(session->graph().nodes().size()));
}

TEST_CASE("observing changes no result") {
  const auto session = test::cpu().compile(small_net().graph);
  const test::Outputs plain = test::run(*session, small_input());
  session->observe([](const Value&, const Tensor&) {});
  CHECK(test::same_bits(test::run(*session, small_input()), plain));
}

TEST_CASE("GIEMSA_DUMP writes every value") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / cat("giemsa_test_dump_", getpid()) / "nested";
  Net net = small_net();
  const ValueId slashed = net.graph.add("group/pool", MaxPool{{2, 2}, {2, 2}}, {*net.graph.find("sum")});
  net.output(slashed);
  setenv("GIEMSA_DUMP", folder.c_str(), 1);
  const auto session = test::cpu().compile(net.graph);
  unsetenv("GIEMSA_DUMP");
  const test::Outputs outputs = test::run(*session, small_input());

  const Tensor sum = read_npy(folder / "sum.npy");
  CHECK(sum.shape() == Shape{1, 4, 6, 6});
  CHECK(std::ranges::equal(sum.as<float>(), outputs[0]));
  CHECK(std::ranges::equal(read_npy(folder / "group_pool.npy").as<float>(), outputs[1]));
  CHECK(fs::exists(folder / "relu.npy"));
  CHECK(std::distance(fs::directory_iterator(folder), {}) ==
        static_cast<std::ptrdiff_t>(session->graph().nodes().size()));
  fs::remove_all(folder.parent_path());
}

TEST_CASE("a dump folder that cannot be made is an error that names it") {
  setenv("GIEMSA_DUMP", "/proc/nowhere", 1);
  const std::string text = test::error_of(ErrorKind::output, [] { (void)test::cpu().compile(small_net().graph); });
  unsetenv("GIEMSA_DUMP");
  CHECK(test::contains(text, "/proc/nowhere"));
}

TEST_CASE("layers are timed on demand") {
  const auto session = test::cpu().compile(small_net().graph);
  test::run(*session, small_input());
  CHECK(session->layer_ms().empty());
  session->time_layers(true);
  test::run(*session, small_input());
  REQUIRE(session->layer_ms().size() == session->graph().nodes().size());
  double total = 0;
  for (const double ms : session->layer_ms()) {
    CHECK(ms >= 0);
    total += ms;
  }
  CHECK(total > 0);
  session->time_layers(false);
  CHECK(session->layer_ms().empty());
}

TEST_CASE("a run with the wrong number of inputs is refused") {
  const auto session = test::cpu().compile(small_net().graph);
  CHECK(test::contains(test::error_of(ErrorKind::internal, [&] { session->run({}); }), "takes 1", "given 0"));
}

TEST_CASE("outputs are read as what they are") {
  const auto session = test::cpu().compile(small_net().graph);
  test::run(*session, small_input());
  CHECK_THROWS_AS((void)session->output<std::uint8_t>(), Error);
}

TEST_CASE("one session, image after image") {
  const auto session = test::cpu().compile(small_net().graph);
  const test::Outputs first = test::run(*session, small_input(1));
  CHECK_FALSE(test::same_bits(test::run(*session, small_input(2)), first));
  CHECK(test::same_bits(test::run(*session, small_input(1)), first));
}

TEST_CASE("graphs of the same tensors share packed weights") {
  const auto backend = make_cpu_backend({.threads = 1});
  CHECK(backend->weight_bytes() == 0);
  const Net net = small_net();
  const auto session = backend->compile(net.graph);
  const std::size_t once = backend->weight_bytes();
  CHECK(once >= (4 * 4 * 9 + 4 + 4 * 4 + 4) * sizeof(float));
  const auto again = backend->compile(net.graph);
  CHECK(backend->weight_bytes() == once);

  Net larger;  // the same layers for another image size
  Graph& graph = larger.graph;
  ValueId y = graph.input("x", {DType::f32, {1, 4, 12, 12}});
  for (const char* name : {"conv", "norm", "relu", "last"}) {
    Node node = net.graph.producer_of(*net.graph.find(name));
    node.inputs = {y};
    y = graph[graph.add(std::move(node), {name})].output();
  }
  graph.mark_output(y);
  const auto other = backend->compile(graph);
  CHECK(backend->weight_bytes() == once);
  const auto stranger = backend->compile(small_net().graph);  // equal values, other tensors
  CHECK(backend->weight_bytes() == 2 * once);
}

TEST_CASE("weights that share some tensors are not taken for one another") {
  Net net;
  const ValueId x = net.input("x", {1, 4, 5, 5});
  const Tensor shared = ref::random_tensor({4}, 90), weight = ref::random_tensor({4, 4, 1, 1}, 91);
  std::vector<ValueId> results;
  for (const std::uint64_t seed : {1, 2}) {
    Weights norm;
    norm.weight = shared;
    norm.bias = ref::random_tensor({4}, 10 * seed);
    norm.running_mean = ref::random_tensor({4}, 10 * seed + 1);
    norm.running_var = ref::random_tensor({4}, 10 * seed + 2, 0.5, 1.5);
    Weights conv;
    conv.weight = weight;
    conv.bias = ref::random_tensor({4}, 10 * seed + 3);
    results.push_back(net.graph.add(cat("norm", seed), BatchNorm{}, {x}, norm));
    results.push_back(net.graph.add(cat("conv", seed), square(4, 1), {x}, conv));
    const ValueId folded = net.graph.add(cat("folded", seed), square(4, 1), {x}, conv);
    results.push_back(net.graph.add(cat("folded_norm", seed), BatchNorm{}, {folded}, norm));
    Weights linear;
    linear.weight = weight.reshaped({4, 4});
    linear.bias = conv.bias;
    const ValueId pool = net.graph.add(cat("pool", seed), AdaptiveAvgPool{}, {x});
    const ValueId rows = net.graph.add(cat("rows", seed), Flatten{}, {pool});
    results.push_back(net.graph.add(cat("linear", seed), Linear{4}, {rows}, linear));
  }
  for (const ValueId id : results) net.output(id);
  const test::Outputs outputs = test::run(test::cpu(), net.graph, std::vector{ref::random_tensor({1, 4, 5, 5}, 92)});
  for (std::size_t i = 0; i < results.size() / 2; ++i) {
    CAPTURE(i);
    CHECK(outputs[i] != outputs[i + results.size() / 2]);
  }
}

TEST_CASE("sessions outlive the backend that made them") {
  auto backend = make_cpu_backend({.threads = 1});
  const auto session = backend->compile(small_net().graph);
  const test::Outputs before = test::run(*session, small_input());
  backend.reset();
  CHECK(test::same_bits(test::run(*session, small_input()), before));
}

TEST_CASE("sessions of one backend run at the same time") {
  const Net net = small_net();
  const auto backend = make_cpu_backend({.threads = 2});
  const test::Outputs expected = test::run(*backend, net.graph, small_input());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      const auto session = backend->compile(net.graph);
      for (int i = 0; i < 5; ++i) wrong += !test::same_bits(test::run(*session, small_input()), expected);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("what the CPU backend refuses") {
  CHECK(test::contains(test::error_of(ErrorKind::usage, [] { (void)make_cpu_backend({.threads = -1}); }), "-1"));
  CHECK(test::contains(test::error_of(ErrorKind::usage, [] { (void)make_cpu_backend({.precision = DType::f16}); }),
                       "fp16"));
}

TEST_CASE("the backend says what it runs on") {
  const auto backend = make_cpu_backend({.threads = 1});
  const CpuFacts facts = cpu_facts();
  CHECK(backend->device_name() == cat("cpu (oneDNN ", facts.onednn_version, ", ", facts.isa, ", 1 thread)"));
  CHECK(backend->precision() == DType::f32);
  CHECK(facts.cores >= 1);
}

}  // namespace giemsa
