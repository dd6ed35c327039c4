// Whole networks in int8, calibrated as `giemsa calibrate` does it, against the same in fp32.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/cpu/backend.h"
#include "nets/observed_range.h"
#include "tests/nets/golden.h"
#include "tests/nets/logits.h"
#include "tests/ref/random.h"

namespace giemsa {

namespace {

Model calibrated(const Model& model, const std::vector<Tensor>& images) {
  Graph graph;
  graph.mark_output(build_network(graph, graph.input("image", {DType::f32, images[0].shape()}), model));
  const auto session = make_cpu_backend({.threads = 2, .precision = DType::f32})->compile(graph);
  ObservedRange observed;
  observed.watch(*session, "image");
  for (const Tensor& image : images) {
    const void* data = image.bytes().data();
    session->run(std::span(&data, 1));
  }
  return with_scales(model, observed.scales(), "a test");
}

std::size_t convolutions_of(const Model& model, const Shape& input) {
  Graph graph;
  build_network(graph, graph.input("image", {DType::f32, input}), model);
  return static_cast<std::size_t>(
      std::ranges::count_if(graph.nodes(), [](const Node& node) { return std::holds_alternative<Conv2d>(node.op); }));
}

constexpr double half_step = 0x1p-8;

/// The largest deviation over the largest expected value; NaN where there is one.
double relative(const std::vector<float>& actual, const std::vector<float>& expected) {
  REQUIRE(actual.size() == expected.size());
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double error = std::abs(double{actual[i]} - expected[i]);
    if (!(error <= worst)) worst = error;
    largest = std::max(largest, std::abs(double{expected[i]}));
  }
  return worst / largest;
}

std::vector<Tensor> random_images(const Shape& shape, std::size_t count, std::uint64_t seed) {
  std::vector<Tensor> images;
  for (std::size_t i = 0; i < count; ++i) images.push_back(ref::random_tensor(shape, seed + i, -2, 2));
  return images;
}

}  // namespace

TEST_CASE("int8 gives fp32's logits, as near as its steps explain") {
  if (!cpu_facts().fast_int8) {
    MESSAGE("skipped: this CPU lacks AVX512_VNNI and AVX_VNNI");
    return;
  }
  // Residual networks, which magnify no errors: the golden MobileNets do so tenfold, and would pass with any.
  for (const std::string name : {"resnet18", "resnet50_two_layers", "resnext50", "smp_resnet34"}) {
    CAPTURE(name);
    const std::filesystem::path folder = std::filesystem::path(GIEMSA_SOURCE_DIR "/tests/golden") / name;
    const test::Golden golden = test::read_golden(folder);
    const Model model = test::golden_model(golden, folder);
    const Shape shape = golden.activations.at("input").shape();
    const Model scaled = calibrated(model, random_images(shape, 8, 1));
    // Half a step of 127 for each convolution's input and weights; they add up like a random walk, and the worst of
    // many results is four times as far off.
    const double tolerance = 4 * half_step * std::sqrt(2.0 * static_cast<double>(convolutions_of(model, shape)));
    for (const Tensor& image : random_images(shape, 4, 101)) {
      const std::vector<float> expected = test::logits(model, image);
      const double error = relative(test::logits(scaled, image, DType::i8), expected);
      CHECK_MESSAGE(!!(error <= tolerance), name, " off by ", error, ", tolerance ", tolerance);
      CHECK(error > 0);  // it was computed in int8
    }
  }
}

}  // namespace giemsa
