// Short words for the graphs of these tests: layers with seeded random weights.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "tests/ref/random.h"

namespace giemsa::test {

/// A graph under construction. Seeds count up, so that no two layers have the same weights.
struct Net {
  Graph graph;
  std::uint64_t seed = 1;

  ValueId input(const std::string& name, Shape shape) { return graph.input(name, {DType::f32, shape}); }

  /// Weights are scaled so that activations keep their size from layer to layer.
  ValueId conv(const std::string& name, ValueId x, Conv2d op, bool bias = false, ValueId residual = {}) {
    const std::int64_t in = graph[x].type.shape[1] / op.groups;
    Weights weights;
    const double scale = std::sqrt(3.0 / static_cast<double>(in * op.kernel.h * op.kernel.w));
    weights.weight = ref::random_tensor({op.out_channels, in, op.kernel.h, op.kernel.w}, seed++, -scale, scale);
    if (bias) weights.bias = ref::random_tensor({op.out_channels}, seed++);
    std::vector<ValueId> inputs{x};
    if (op.residual) inputs.push_back(residual);
    return graph.add(name, op, inputs, weights);
  }

  ValueId norm(const std::string& name, ValueId x) {
    const std::int64_t channels = graph[x].type.shape[1];
    Weights weights;
    weights.weight = ref::random_tensor({channels}, seed++, 0.5, 1.5);
    weights.bias = ref::random_tensor({channels}, seed++);
    weights.running_mean = ref::random_tensor({channels}, seed++);
    weights.running_var = ref::random_tensor({channels}, seed++, 0.5, 1.5);
    return graph.add(name, BatchNorm{}, {x}, weights);
  }

  ValueId relu(const std::string& name, ValueId x, float ceiling = Relu{}.ceiling) {
    return graph.add(name, Relu{ceiling}, {x});
  }
  ValueId add(const std::string& name, ValueId a, ValueId b) { return graph.add(name, Add{}, {a, b}); }
  ValueId concat(const std::string& name, std::vector<ValueId> inputs) { return graph.add(name, Concat{}, inputs); }

  ValueId linear(const std::string& name, ValueId x, std::int64_t outputs) {
    Weights weights;
    weights.weight = ref::random_tensor({outputs, graph[x].type.shape[1]}, seed++);
    weights.bias = ref::random_tensor({outputs}, seed++);
    return graph.add(name, Linear{outputs}, {x}, weights);
  }

  /// Marks the result.
  Graph& output(ValueId id) {
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

/// The index of the node of that name.
inline NodeId node_called(const Graph& graph, std::string_view name) {
  for (const NodeId id : node_ids(graph))
    if (graph[id].name == name) return id;
  fail(ErrorKind::internal, "no node is called ", name);
}

/// Names of the nodes in order, each followed by " -> value" where the last value that it makes is called otherwise.
inline std::vector<std::string> names_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes())
    names.push_back(graph[node.outputs.back()].name == node.name
                        ? node.name
                        : node.name + " -> " + graph[node.outputs.back()].name);
  return names;
}

}  // namespace giemsa::test
