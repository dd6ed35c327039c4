// A small cascade whose regions are drawn, so that their number is known: dark squares, and something computed of each.
#pragma once

#include <doctest/doctest.h>

#include "engine/cpu/backend.h"
#include "engine/cuda/backend.h"
#include "engine/run/session.h"
#include "tests/engine/error_bound.h"
#include "tests/ops/compare.h"
#include "tests/ref/random.h"

namespace giemsa::test {

inline constexpr std::int64_t classes = 5;
inline constexpr Size2 crop_size{7, 9};

/// Finds dark pixels. `mask` is where the regions are told apart.
inline Graph detector(Size2 frame, Size2 mask, std::int64_t min_area) {
  Graph graph;
  const ValueId pixels = graph.input("frame", {DType::u8, {1, frame.h, frame.w, 3}});
  Preprocess preprocess;
  preprocess.output = mask;
  const ValueId image = graph.add("preprocess", preprocess, {pixels});
  Weights weights;
  weights.weight = Tensor::from({1, 3, 1, 1}, {-1.0f, -1.0f, -1.0f});
  const ValueId logits = graph.add("logits", Conv2d{.out_channels = 1}, {image}, weights);
  const ValueId mask_id = graph.add("mask", Threshold{}, {logits});
  graph.begin_stage();
  const ValueId filled = graph.add("filled", FillHoles{}, {mask_id});
  const ValueId opened = graph.add("opened", AreaOpen{min_area}, {filled});
  ValueId labels = graph.add("labels", Components{}, {opened});
  if (mask != frame) labels = graph.add("frame_labels", ResizeLabels{frame}, {labels});
  graph.mark_output(labels);
  graph.mark_output(graph.add("regions", Regions{max_regions(mask.h, mask.w, min_area)}, {labels}));
  return graph;
}

/// What is computed of the regions' crops.
inline ValueId add_network(Graph& graph, ValueId crops) {
  static const Tensor filter = ref::random_tensor({8, 3, 3, 3}, 1, -0.3, 0.3);
  static const Tensor matrix = ref::random_tensor({classes, 8 * 5 * 7}, 2, -0.1, 0.1);
  Weights conv, linear;
  conv.weight = filter;
  linear.weight = matrix;
  const ValueId features = graph.add("conv", Conv2d{.out_channels = 8, .kernel = {3, 3}}, {crops}, conv);
  const ValueId rows = graph.add("flatten", Flatten{}, {graph.add("relu", Relu{}, {features})});
  return graph.add("softmax", Softmax{}, {graph.add("linear", Linear{classes}, {rows}, linear)});
}

inline ValueId add_crops(Graph& graph, Size2 frame, std::int64_t batch) {
  const ValueId pixels = graph.input("frame", {DType::u8, {1, frame.h, frame.w, 3}});
  const ValueId boxes = graph.input("boxes", {DType::i32, {batch, 4}});
  CropResize crop;
  crop.output = crop_size;
  return graph.add("crops", crop, {pixels, boxes});
}

inline Graph classifier(Size2 frame, std::int64_t batch) {
  Graph graph;
  graph.mark_output(add_network(graph, add_crops(graph, frame, batch)));
  return graph;
}

inline CascadeGraphs graphs_for(Size2 frame, Size2 mask, std::int64_t min_area) {
  CascadeGraphs graphs{detector(frame, mask, min_area), {}};
  for (std::size_t i = 0; i < graphs.each.size(); ++i)
    graphs.each[i] = classifier(frame, CascadeGraphs::batch_sizes[i]);
  return graphs;
}

/// A bright frame with `count` dark squares of `side` pixels and different colours, `pitch` apart.
inline std::vector<std::uint8_t> squares(Size2 frame, int count, int side, int pitch) {
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(frame.h * frame.w * 3), 250);
  const int columns = static_cast<int>(frame.w) / pitch;
  for (int i = 0; i < count; ++i)
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        const std::int64_t pixel = (i / columns * pitch + y) * frame.w + i % columns * pitch + x;
        for (int c = 0; c < 3; ++c)
          rgb[static_cast<std::size_t>(pixel * 3 + c)] = static_cast<std::uint8_t>((i * 7 + c * 13 + x + y) % 60);
      }
  return rgb;
}

struct CascadeResult {
  std::vector<Region> regions;
  std::vector<float> values;
  std::vector<std::uint16_t> labels;
};

inline CascadeResult run(Cascade& cascade, const std::vector<std::uint8_t>& frame) {
  cascade.run(frame.data());
  std::vector<std::uint16_t> labels(frame.size() / 3);
  cascade.copy_labels(labels);
  return {
      {cascade.regions().begin(), cascade.regions().end()}, {cascade.values().begin(), cascade.values().end()}, labels};
}

inline std::shared_ptr<Backend> gpu(DType precision, bool loops, const std::string& provider = "own") {
  CudaOptions options;
  options.precision = precision;
  options.provider = provider;
  options.loops_on_device = loops;
  return make_cuda_backend(options);
}

/// Regions and labels are equal; values within what rounding does to the regions' crops, of which every backend makes
/// the same.
inline void check_same(const CascadeResult& actual, const CascadeResult& expected, Size2 frame,
                       const std::vector<std::uint8_t>& image, DType precision) {
  REQUIRE(actual.regions.size() == expected.regions.size());
  CHECK(actual.regions == expected.regions);
  CHECK(actual.labels == expected.labels);
  REQUIRE(actual.values.size() == expected.values.size());
  std::vector<std::int32_t> boxes;
  for (const Region& region : expected.regions)
    if (region.area > 0) boxes.insert(boxes.end(), {region.x, region.y, region.w, region.h});
  if (boxes.empty()) return;

  const auto count = static_cast<std::int64_t>(boxes.size() / 4);
  Graph cropping, network;
  cropping.mark_output(add_crops(cropping, frame, count));
  const auto session = make_cpu_backend({.threads = 1})->compile(cropping);
  const void* inputs[] = {image.data(), boxes.data()};
  session->run(inputs);
  const Shape shape{count, 3, crop_size.h, crop_size.w};
  const auto pixels = session->output<float>();
  const Tensor crops = Tensor::from(shape, std::vector<float>(pixels.begin(), pixels.end()));
  network.mark_output(add_network(network, network.input("crops", {DType::f32, shape})));
  const Bounded bounded = evaluate(network, {&crops, 1}, precision).back();
  CHECK_MESSAGE(slack(bounded) < 0.5, "the bound allows almost anything");

  std::vector<float> values;
  for (std::size_t i = 0; i < actual.values.size(); ++i)
    if (expected.regions[i / classes].area > 0) values.push_back(actual.values[i]);  // those of others mean nothing
  check_close(
      values, std::span(bounded.value), [&](std::size_t i) { return bounded.error[i]; }, cat("in ", precision));
}

}  // namespace giemsa::test
