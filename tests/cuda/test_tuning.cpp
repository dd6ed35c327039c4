// Tuning: which plan wins, what the file says, and that a backend runs what the file names.
#include <doctest/doctest.h>

#include "engine/cuda/backend.h"
#include "engine/cuda/tuner.h"
#include "tests/cuda/text_file.h"
#include "tests/ref/random.h"

using namespace giemsa;
using kernels::Conv2dParams;
using kernels::Conv2dPlan;
using kernels::Conv2dTile;
using test::TextFile;

namespace {

/// The GPU that the tests run on: the emulated one, or what the machine has.
const cuda::DeviceFacts& gpu() {
  static const cuda::DeviceFacts facts = cuda::open_gpu(0);
  return facts;
}

/// Deep enough for eight splits, with numbers whose sums are rounded, so that each number of splits has bits of its
/// own.
Graph one_convolution() {
  Graph graph;
  const ValueId image = graph.input("input", {DType::f32, {1, 64, 5, 7}});
  const Tensor few_bits = ref::random_tensor({24, 64, 3, 3}, 2);
  std::vector<float> values;
  for (float value : few_bits.as<float>()) values.push_back(0.7312f * value);
  Weights weights;
  weights.weight = Tensor::from({24, 64, 3, 3}, std::move(values));
  graph.mark_output(
      graph.add("conv", Conv2d{.out_channels = 24, .kernel = {3, 3}, .padding = {1, 1}}, {image}, weights));
  return graph;
}

Graph two_convolutions() {
  Graph graph;
  const ValueId image = graph.input("input", {DType::f32, {1, 3, 9, 11}});
  Weights first, second;
  first.weight = ref::random_tensor({16, 3, 3, 3}, 3);
  second.weight = ref::random_tensor({8, 16, 1, 1}, 4);
  const ValueId features = graph.add("first", Conv2d{.out_channels = 16, .kernel = {3, 3}}, {image}, first);
  graph.mark_output(graph.add("second", Conv2d{.out_channels = 8}, {features}, second));
  return graph;
}

const Conv2dParams convolution{.images = 1,
                               .in_h = 5,
                               .in_w = 7,
                               .in_channels = 64,
                               .out_channels = 24,
                               .kernel = {3, 3},
                               .padding = {1, 1},
                               .input_pixel_stride = 64,
                               .output_pixel_stride = 24};

std::vector<float> run_with(const std::string& tuning) {
  const auto backend = make_cuda_backend({.precision = DType::f16, .tuning = tuning});
  const auto session = backend->compile(one_convolution(), true);
  const Tensor image = ref::random_tensor({1, 64, 5, 7}, 1);
  const void* inputs[] = {image.bytes().data()};
  session->run(inputs);
  const auto values = session->output<float>();
  return {values.begin(), values.end()};
}

std::string tuning_text(const Conv2dPlan& plan) {
  cuda::Tuning tuning;
  tuning.set(convolution, plan);
  return tuning.text(gpu().name);
}

/// What Error(usage) says of a file of this text.
std::string refusal(const std::string& text) {
  const TextFile file(text);
  try {
    (void)cuda::Tuning::read(file.name(), gpu().name);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    const std::string what = error.what();
    REQUIRE(what.starts_with(file.name()));
    return what.substr(file.name().size());
  }
  return "";
}

}  // namespace

TEST_CASE("a plan is changed only for more than 2 %") {
  const auto choice = [](std::vector<double> times, std::size_t usual) { return cuda::worth_changing(times, usual); };
  CHECK(choice({10, 9.81, 12}, 0) == 0);
  CHECK(choice({10, 9.79, 12}, 0) == 1);
  CHECK(choice({9.79, 9.7, 10}, 2) == 1);
  CHECK(choice({9.7, 9.7, 10}, 2) == 0);
  CHECK(choice({5}, 0) == 0);
}

TEST_CASE("tuning measures each dense convolution once, and its file reads back equal") {
  const std::vector<Graph> graphs{two_convolutions(), two_convolutions(), one_convolution()};
  std::vector<cuda::PlanTimes> measured;
  cuda::Tuning tuning = cuda::tune(graphs, gpu(),
                                   {[&](const cuda::PlanTimes& times) { measured.push_back(times); },
                                    [](const cuda::PairTimes&) { FAIL("there is no pair"); }},
                                   {1, 1});
  REQUIRE(measured.size() == 3);
  CHECK(cuda::describe(measured[0].what) == "conv2d 1x9x11x3 3x3/1x1 p0x0 d1x1 g1 -> 16");
  CHECK(cuda::describe(measured[1].what) == "conv2d 1x7x9x16 1x1/1x1 p0x0 d1x1 g1 -> 8");
  CHECK(cuda::describe(measured[2].what) == cuda::describe(convolution));
  for (const cuda::PlanTimes& times : measured) {
    CHECK(times.usual == kernels::choose(times.what, gpu().sm_count));
    CHECK(kernels::fits(times.what, times.best));
    CHECK(times.best_us > 0);
    CHECK(times.best_us <= times.usual_us);
    CHECK(tuning.plan_for(times.what, gpu().sm_count) == times.best);
    tuning.set(times.what, times.best);  // whatever the clock said
  }
  const std::string text = tuning.text(gpu().name);
  const TextFile file(text);
  const cuda::Tuning read = cuda::Tuning::read(file.name(), gpu().name);
  CHECK(read.text(gpu().name) == text);
  for (const cuda::PlanTimes& times : measured) CHECK(read.plan_for(times.what, gpu().sm_count) == times.best);
}

TEST_CASE("a backend runs the plans that its tuning file names") {
  const auto with = [](const Conv2dPlan& plan) {
    CAPTURE(cuda::describe(plan));
    const TextFile file(tuning_text(plan));
    return run_with(file.name());
  };
  const std::vector<float> usual = run_with("");
  CHECK(with(kernels::choose(convolution, gpu().sm_count)) == usual);
  const std::vector<float> whole = with({Conv2dTile::m64n64k32, 1}), split = with({Conv2dTile::m64n64k32, 7});
  CHECK(whole != split);
  CHECK(with({Conv2dTile::m64n64k32, 1}) == whole);
  CHECK(with({Conv2dTile::m64n64k32, 7}) == split);
}

TEST_CASE("tuning files that cannot be used are refused by line") {
  const std::string good = tuning_text({Conv2dTile::m32n64k64, 2});
  REQUIRE(refusal(good).empty());
  const std::string head = cat("giemsa-tuning 2\ngpu ", gpu().name, "\n"),
                    what = "conv2d 1x5x7x64 3x3/1x1 p1x1 d1x1 g1 -> 24";
  CHECK(refusal("").starts_with(":1: not a tuning file"));
  CHECK(refusal("PNG\n").starts_with(":1: not a tuning file"));
  CHECK(refusal(cat("giemsa-tuning 1\ngpu ", gpu().name, "\n")) ==
        ":1: of an older version, which knows no separable convolutions");
  CHECK(refusal("giemsa-tuning 2\n").starts_with(cat(":2: expected 'gpu ", gpu().name, "'")));
  CHECK(refusal("giemsa-tuning 2\ngpu another\n") ==
        cat(":2: expected 'gpu ", gpu().name, "', as this one is, found 'gpu another'"));
  for (const std::string& line :
       {std::string(), what, what + "  ", what + "  m32n64k64", what + "  m32n64k64 0", what + "  m32n64k64 9",
        what + "  m32n64k64 2 x", what + "  m1n1k1 2", what + " 5  m32n64k64 2", std::string("  m32n64k64 2"),
        std::string("conv2d 0x5x7x64 3x3/1x1 p1x1 d1x1 g1 -> 24  m32n64k64 2"),
        std::string("conv2d 1x5x7x64 3x3/1x1 p1x1 d1x1 g0 -> 24  m32n64k64 2")}) {
    CAPTURE(line);
    CHECK(refusal(head + what + "  m64n64k32 1\n" + line + "\n").starts_with(":4: expected 'CONVOLUTION"));
  }
  CHECK(refusal(head + "conv2d 1x5x7x64 1x1/1x1 p0x0 d1x1 g1 -> 24  m32n64k64 8\n").starts_with(":3: no such plan"));
  CHECK(refusal(head + what + "  m64n64k32 1\n" + what + "  m64n64k32 2\n").starts_with(":4: a convolution for the"));
  const std::string missing = "/nonexistent/tuning";
  CHECK_THROWS_WITH_AS((void)cuda::Tuning::read(missing, gpu().name), "/nonexistent/tuning: cannot be read", Error);
}
