// Short words for the graphs of these tests: layers with seeded random weights.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "engine/graph.h"
#include "tests/ref/random.h"

namespace giemsa::test {

/// A graph under construction. Seeds count up, so that no two layers have the same weights.
struct Net {
  Graph graph;
  std::uint64_t seed = 1;

  NodeId input(const std::string& name, Shape shape) { return graph.input(name, {DType::f32, shape}); }

  /// Weights are scaled so that activations keep their size from layer to layer.
  NodeId conv(const std::string& name, NodeId x, Conv2d op, bool bias = false, NodeId residual = {}) {
    const std::int64_t in = graph[x].output.shape[1] / op.groups;
    Weights weights;
    const double scale = std::sqrt(3.0 / static_cast<double>(in * op.kernel.h * op.kernel.w));
    weights.weight = ref::random_tensor({op.out_channels, in, op.kernel.h, op.kernel.w}, seed++, -scale, scale);
    if (bias) weights.bias = ref::random_tensor({op.out_channels}, seed++);
    std::vector<NodeId> inputs{x};
    if (op.residual) inputs.push_back(residual);
    return graph.add(name, op, inputs, weights);
  }

  NodeId norm(const std::string& name, NodeId x) {
    const std::int64_t channels = graph[x].output.shape[1];
    Weights weights;
    weights.weight = ref::random_tensor({channels}, seed++, 0.5, 1.5);
    weights.bias = ref::random_tensor({channels}, seed++);
    weights.running_mean = ref::random_tensor({channels}, seed++);
    weights.running_var = ref::random_tensor({channels}, seed++, 0.5, 1.5);
    return graph.add(name, BatchNorm{}, {x}, weights);
  }

  NodeId relu(const std::string& name, NodeId x) { return graph.add(name, Relu{}, {x}); }
  NodeId add(const std::string& name, NodeId a, NodeId b) { return graph.add(name, Add{}, {a, b}); }
  NodeId concat(const std::string& name, std::vector<NodeId> inputs) { return graph.add(name, Concat{}, inputs); }

  NodeId linear(const std::string& name, NodeId x, std::int64_t outputs) {
    Weights weights;
    weights.weight = ref::random_tensor({outputs, graph[x].output.shape[1]}, seed++);
    weights.bias = ref::random_tensor({outputs}, seed++);
    return graph.add(name, Linear{outputs}, {x}, weights);
  }

  /// Marks the result.
  Graph& output(NodeId id) {
    graph.mark_output(id);
    return graph;
  }
};

/// k x k, "same" padding.
inline Conv2d square(std::int64_t out_channels, std::int64_t k, std::int64_t stride = 1, std::int64_t dilation = 1) {
  const std::int64_t padding = dilation * (k - 1) / 2;
  return {.out_channels = out_channels,
          .kernel = {k, k},
          .stride = {stride, stride},
          .padding = {padding, padding},
          .dilation = {dilation, dilation}};
}

/// Names of the nodes in order, each followed by " -> value" where a pass renamed its result.
inline std::vector<std::string> names_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes())
    names.push_back(node.value == node.name ? node.name : node.name + " -> " + node.value);
  return names;
}

}  // namespace giemsa::test
