// Tuning of separable convolutions: as one kernel or apart.
#include <doctest/doctest.h>

#include <set>

#include "engine/cuda/backend.h"
#include "engine/cuda/naming.h"
#include "engine/cuda/tuner.h"
#include "tests/cuda/text_file.h"
#include "tests/engine/building.h"
#include "tests/engine/error_text.h"
#ifdef GIEMSA_SIMT
#include "tests/simt/runtime.h"
#endif

using namespace giemsa;
using cuda::Pair;
using cuda::PairPlan;
using kernels::SeparablePlan;
using kernels::SeparableTile;
using test::TextFile;

namespace {

Conv2d depthwise(std::int64_t channels, std::int64_t dilation) {
  Conv2d op = test::square(channels, 3, 1, dilation);
  op.groups = channels;
  return op;
}

/// Separable convolutions of one input at these rates; three of them could share their depthwise launch.
Graph separable(const std::vector<std::int64_t>& rates) {
  test::Net net;
  const ValueId features = net.relu("features", net.input("x", {1, 64, 9, 10}));
  std::vector<ValueId> branches;
  for (const std::int64_t rate : rates)
    branches.push_back(net.conv(cat("mix", rate), net.conv(cat("spread", rate), features, depthwise(64, rate), true),
                                test::square(16, 1)));
  net.output(net.conv("last", net.concat("joined", branches), test::square(8, 1)));
  return net.graph;
}

Pair pair_at(int rate, int branches) {
  Pair pair{{.images = 1, .in_h = 9, .in_w = 10, .channels = 64, .out_channels = 16}, branches};
  pair.params.window.padding = pair.params.window.dilation = {rate, rate};
  pair.params.input_pixel_stride = 64;
  pair.params.output_pixel_stride = 16;
  return pair;
}

std::string text_of(const std::vector<std::pair<Pair, PairPlan>>& choices) {
  cuda::Tuning tuning;
  for (const auto& [pair, plan] : choices) tuning.set(pair, plan);
  return tuning.text(cuda::open_gpu(0).name);
}

/// Values that a session of the graph shows, under a tuning file of this text.
std::set<std::string> seen_under(const std::string& text, const Graph& graph) {
  const TextFile file(text);
  const auto session = make_cuda_backend({.precision = DType::f16, .tuning = file.name()})->compile(graph);
  std::set<std::string> seen;
  session->observe([&](const Value& value, const Tensor&) { seen.insert(value.name); });
  const Tensor input = ref::random_tensor({1, 64, 9, 10}, 5);
  const void* inputs[] = {input.bytes().data()};
  session->run(inputs);
  return seen;
}

const PairPlan apart, by_rows = SeparablePlan{SeparableTile::m32n128k64, 1, false},
                      by_patches = SeparablePlan{SeparableTile::m32n256k32, 2, true};

}  // namespace

TEST_CASE("tuning measures separable convolutions as one kernel and apart, and their file reads back equal") {
  std::vector<cuda::PairTimes> measured;
  std::set<std::string> convolutions;
  const std::vector<Graph> graphs{separable({2}), separable({1, 2, 3})};
  cuda::Tuning tuning =
      cuda::tune(graphs, cuda::open_gpu(0),
                 {[&](const cuda::PlanTimes& times) { convolutions.insert(cuda::describe(times.what)); },
                  [&](const cuda::PairTimes& times) { measured.push_back(times); }},
                 {1, 1});
  REQUIRE(measured.size() == 4);
  CHECK(cuda::describe(measured[0].what) == "separable 1x9x10x64 3x3/1x1 p2x2 d2x2 of 1 -> 16");
  CHECK(cuda::describe(measured[1].what) == "separable 1x9x10x64 3x3/1x1 p1x1 d1x1 of 3 -> 16");
  CHECK(convolutions.contains("conv2d 1x9x10x64 1x1/1x1 p0x0 d1x1 g1 -> 16"));  // of the pairs, run apart
  for (const cuda::PairTimes& times : measured) {
    CHECK(times.best_us > 0);
    CHECK(times.best_us <= times.usual_us);
    CHECK(tuning.plan_for(times.what, cuda::open_gpu(0).sm_count) == times.best);
  }
  for (const PairPlan& plan : {apart, by_rows, by_patches}) {
    tuning.set(measured[1].what, plan);
    const std::string text = tuning.text("x");
    const TextFile file(text);
    const cuda::Tuning read = cuda::Tuning::read(file.name(), "x");
    CHECK(read.text("x") == text);
    CHECK(read.plan_for(measured[1].what, cuda::open_gpu(0).sm_count) == plan);
  }
}

TEST_CASE("a backend fuses what its tuning file says") {
  const Graph one = separable({2});
  CHECK(seen_under(text_of({{pair_at(2, 1), apart}}), one).contains("spread2"));
  for (const PairPlan& plan : {by_rows, by_patches})
    CHECK_FALSE(seen_under(text_of({{pair_at(2, 1), plan}}), one).contains("spread2"));
}

TEST_CASE("of three branches all are fused, or none") {
  const Graph three = separable({1, 2, 3});
  const auto under = [&](const PairPlan& first, const PairPlan& others) {
    return seen_under(text_of({{pair_at(1, 3), first}, {pair_at(2, 3), others}, {pair_at(3, 3), others}}), three);
  };
  const std::set<std::string> none = under(by_rows, by_patches), all = under(apart, by_patches);
  for (const char* spread : {"spread1", "spread2", "spread3"}) {
    CHECK_FALSE(none.contains(spread));
    CHECK(all.contains(spread));
  }
}

TEST_CASE("lines of separable convolutions that cannot be used are refused") {
  const std::string head = "giemsa-tuning 2\ngpu x\n", what = "separable 1x9x10x64 3x3/1x1 p2x2 d2x2 of 1 -> 16";
  const auto refusal = [&](const std::string& lines) {
    const TextFile file(head + lines);
    const std::string why = test::error_of(ErrorKind::usage, [&] { (void)cuda::Tuning::read(file.name(), "x"); });
    return why.substr(std::min(file.name().size(), why.size()));
  };
  for (const char* plan : {"", "fused", "apart 1", "m32n128k64 1", "m32n128k64 9 rows", "m64n64k32 1 rows"})
    CHECK(refusal(what + "  " + plan + "\n").starts_with(":3: expected 'SEPARABLE  "));
  CHECK(refusal("separable 1x9x10x64 3x3/1x1 p2x2 d2x2 of 0 -> 16  apart\n").starts_with(":3: expected 'CONVOLUTION"));
  CHECK(refusal(what + "  m32n128k64 2 rows\n").starts_with(":3: no such plan"));
  CHECK(refusal(what + "  apart\n" + what + "  m32n128k64 1 rows\n").starts_with(":4: a convolution for the second"));
}

TEST_CASE("what CUDA refuses is the device's fault, and named; a broken precondition is ours") {
  const auto thrown = [](ErrorKind kind, const auto& error) {
    return test::error_of(kind, [&] { cuda::naming("conv2d", [&] { throw error; }); });
  };
  CHECK(thrown(ErrorKind::device, std::runtime_error("cudaErrorInvalidValue")) == "conv2d: cudaErrorInvalidValue");
  CHECK(thrown(ErrorKind::internal, std::invalid_argument("n > 0")) == "conv2d: n > 0");
  CHECK(thrown(ErrorKind::model, Error(ErrorKind::model, "too large")) == "conv2d: too large");
}

#ifdef GIEMSA_SIMT

TEST_CASE("each call to CUDA's runtime may fail while it is tuned, and the convolution is named") {
  const Pair pair = pair_at(1, 3);
  const kernels::Conv2dParams params = pair.params.pointwise();
  const cuda::DeviceFacts gpu = cuda::open_gpu(0);
  const auto work = [&] {
    (void)cuda::measure_plans(params, gpu, {1, 1});
    (void)cuda::measure_pair(pair, {}, gpu, {1, 1});
  };
  const std::int64_t first = simt::fallible_calls();
  work();
  const std::int64_t calls = simt::fallible_calls() - first, step = calls / 20;  // each takes a measurement
  for (std::int64_t n = 1; n <= calls; n += step) {
    CAPTURE(n);
    simt::fail_call(n);
    const std::string why = test::error_of(ErrorKind::device, work);
    simt::fail_call(0);
    CHECK(((why.starts_with("conv2d 1x9x10x64 ") || why.starts_with("separable 1x9x10x64 ")) &&
           why.ends_with("an error made for a test")));
  }
}

#endif
