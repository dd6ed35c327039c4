// Layers by a vendor's library in place of our kernels. Under the emulator the libraries are stood in for by
// tests/simt/vendor.cpp; on a GPU they are the real ones, where they can be opened.
#include <doctest/doctest.h>

#include "tests/cuda/squares.h"
#include "tests/engine/building.h"
#include "tests/engine/error_text.h"
#include "tests/nets/golden.h"
#include "tests/ref/random.h"
#ifdef GIEMSA_SIMT
#include "tests/simt/runtime.h"
#include "tests/simt/vendor.h"
#endif

namespace giemsa {

namespace {

/// None, loudly, where the provider's library is not at hand.
std::shared_ptr<Backend> backend_with(const std::string& provider, DType precision) {
  CudaOptions options;
  options.precision = precision;
  options.provider = provider;
  try {
    return make_cuda_backend(options);
  } catch (const Error& error) {
    const std::string why = error.what();
    if (why.find("cannot be loaded") == std::string::npos && why.find("for lack of") == std::string::npos) throw;
    MESSAGE("skipped: ", why);
    return nullptr;
  }
}

/// Layers of the graph that a vendor's library computes, in a few words each: "1x1 residual relu".
std::set<std::string> kinds_served(Session& session) {
  std::set<std::string> kinds;
  const Graph& graph = session.graph();
  for (const NodeId id : node_ids(graph)) {
    if (session.computed_by(id).empty()) continue;
    const auto* op = std::get_if<Conv2d>(&graph[id].op);
    kinds.insert(!op ? "linear"
                     : cat(op->kernel.h, 'x', op->kernel.w, op->stride == Size2{1, 1} ? "" : " stride",
                           op->groups > 1 ? " groups" : "", op->residual ? " residual" : "",
                           graph[graph[id].output()].slot ? " slice" : ""));
  }
  return kinds;
}

void compare_all(const std::string& provider, DType precision) {
  const auto backend = backend_with(provider, precision);
  if (!backend) return;
  std::set<std::string> served;
  for (const auto& folder : test::golden_folders()) {
    const std::string name = folder.filename().string();
    // cuBLAS leaves most layers to our kernels, which are slow to emulate: three networks show all that it is given.
    if (provider == "cublas" && name != "smp" && name != "vainf" && name != "alexnet") continue;
    CAPTURE(name);
    const test::Golden golden = test::read_golden(folder);
    const Model model = test::golden_model(golden, folder);
    const std::set<std::string> compared = compare_with_golden(
        golden, model, *backend, true, [&](Session& session) { served.merge(kinds_served(session)); });
    CHECK(compared.contains(golden.metadata.at("logits")));
  }
  CHECK(served.contains("1x1"));
  CHECK(served.contains("1x1 residual"));
  CHECK(served.contains("1x1 slice"));
  CHECK(served.contains("linear") == (provider == "cublas"));
  for (const char* kind : {"3x3", "7x7 stride", "3x3 slice", "5x5 groups"})
    CHECK_MESSAGE(served.contains(kind) == (provider == "cudnn"), kind);
}

}  // namespace

TEST_CASE("every golden network with cuDNN's convolutions, in fp32") {
  compare_all("cudnn", DType::f32);
}

TEST_CASE("every golden network with cuDNN's convolutions, in fp16") {
  compare_all("cudnn", DType::f16);
}

TEST_CASE("golden networks with cuBLAS' products, in fp32") {
  compare_all("cublas", DType::f32);
}

TEST_CASE("golden networks with cuBLAS' products, in fp16") {
  compare_all("cublas", DType::f16);
}

TEST_CASE("the whole way of an image with a provider's layers") {
  const Size2 frame{40, 60};
  const CascadeGraphs graphs = test::graphs_for(frame, frame, 9);
  const std::vector<std::uint8_t> image = test::squares(frame, 7, 5, 12);
  const test::CascadeResult expected = test::run(*make_cpu_backend({.threads = 1})->compile(graphs), image);
  REQUIRE(expected.regions.size() == 7);
  for (const char* provider : {"cudnn", "cublas"})
    for (const DType precision : {DType::f32, DType::f16}) {
      CAPTURE(provider);
      const auto backend = backend_with(provider, precision);
      if (!backend) continue;
      const auto cascade = backend->compile(graphs);
      const test::CascadeResult actual = test::run(*cascade, image);
      test::check_same(actual, expected, frame, image, precision);
      CHECK(test::run(*cascade, image).values == actual.values);
    }
}

TEST_CASE("providers that there are none of are refused") {
  CudaOptions options;
  options.provider = "cutlass";
  CHECK(test::error_of(ErrorKind::usage, [&] { (void)make_cuda_backend(options); }) ==
        "provider must be own, cudnn or cublas, is 'cutlass'");
}

#ifdef GIEMSA_SIMT

namespace {

Graph two_layers() {
  test::Net net;
  const ValueId x = net.input("x", {1, 16, 6, 5});
  net.output(net.conv("second", net.relu("relu", net.conv("first", x, test::square(24, 3))), test::square(8, 1)));
  return net.graph;
}

std::vector<float> run_two_layers(Session& session) {
  const Tensor input = ref::random_tensor({1, 16, 6, 5}, 81);
  const void* inputs[] = {input.bytes().data()};
  session.run(inputs);
  return {session.output<float>().begin(), session.output<float>().end()};
}

}  // namespace

TEST_CASE("what a provider declines is computed by our kernels, to the bit") {
  const Graph graph = two_layers();
  const auto own = run_two_layers(*backend_with("own", DType::f16)->compile(graph));
  for (const char* provider : {"cudnn", "cublas"}) {
    CAPTURE(provider);
    simt::vendor_refuses = true;
    const auto session = backend_with(provider, DType::f16)->compile(graph);
    simt::vendor_refuses = false;
    CHECK(kinds_served(*session).empty());
    CHECK(run_two_layers(*session) == own);
  }
}

TEST_CASE("no provider is given a ReLU6") {
  test::Net net;
  const ValueId x = net.input("x", {1, 16, 6, 5});
  net.output(net.relu("relu6", net.conv("conv", x, test::square(24, 1)), 6));
  for (const char* provider : {"cudnn", "cublas"}) {
    CAPTURE(provider);
    const auto session = backend_with(provider, DType::f16)->compile(net.graph);
    CHECK(kinds_served(*session).empty());
    CHECK(run_two_layers(*session) == run_two_layers(*backend_with("own", DType::f16)->compile(net.graph)));
  }
}

TEST_CASE("a provider's layers have run once before they are recorded") {
  const auto backend = backend_with("cudnn", DType::f32);
  CHECK(backend->device_name().ends_with(", fake cudnn)"));
  const auto session = backend->compile(two_layers());
  CHECK(kinds_served(*session) == std::set<std::string>{"1x1", "3x3"});
  const std::int64_t before = simt::vendor_calls;
  CHECK(before >= 2);
  run_two_layers(*session);
  CHECK(simt::vendor_calls == before + 2);
}

TEST_CASE("a layer that a provider fails at is named") {
  const auto backend = backend_with("cublas", DType::f32);
  const auto session = backend->compile(two_layers());
  run_two_layers(*session);
  const std::int64_t before = simt::fallible_calls();
  run_two_layers(*session);
  const std::int64_t calls = simt::fallible_calls() - before;
  bool named = false;
  for (std::int64_t n = 1; n <= calls; ++n) {
    simt::fail_call(n);
    const std::string why = test::error_of(ErrorKind::device, [&] { run_two_layers(*session); });
    simt::fail_call(0);
    named |= why == "layer second: starting a vendor's kernel: an error made for a test";
  }
  CHECK(named);
}

#endif

}  // namespace giemsa
