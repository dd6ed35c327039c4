// What a model gives for an image on the CPU.
#pragma once

#include <span>
#include <vector>

#include "engine/cpu/backend.h"
#include "nets/model.h"

namespace giemsa::test {

/// The network's logits for `image`, {1,3,H,W} and normalised.
inline std::vector<float> logits(const Model& model, const Tensor& image, DType precision = DType::f32) {
  Graph graph;
  graph.mark_output(build_network(graph, graph.input("input", {DType::f32, image.shape()}), model));
  const auto session = make_cpu_backend({.threads = 2, .precision = precision})->compile(graph);
  const void* data = image.bytes().data();
  session->run(std::span(&data, 1));
  const auto values = session->output<float>();
  return {values.begin(), values.end()};
}

}  // namespace giemsa::test
