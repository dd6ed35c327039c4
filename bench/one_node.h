// Benchmarks of single nodes: a graph of one op on inputs of its own, timed without the conversion of inputs and
// outputs between the caller's layout and the backend's.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/run/session.h"

namespace giemsa {

/// Values of one graph input, as bytes.
using InputBytes = std::vector<std::byte>;

/// Values that no shortcut can profit from: floats in [-1, 1), and bytes of all values.
InputBytes arbitrary(const TensorType& type);

/// A graph of `node`, or of an op without weights and with one output, alone, reading inputs of types `inputs`.
Graph graph_of(Node node, const std::vector<TensorType>& inputs);
Graph graph_of(const Op& op, const std::vector<TensorType>& inputs);

/// Registers `name`/`precision`, timing the last node of what `make_graph` builds when the benchmark runs. Counters:
/// GFLOP/s, GB/s (each value read and written once) and their shares of the ceilings in percent.
void register_node(const std::string& name, DType precision, std::function<Graph()> make_graph,
                   std::function<std::vector<InputBytes>(const Graph&)> make_inputs = {});

/// fp32, and bf16 where the CPU computes in it.
std::vector<DType> precisions();

/// Prints the ceilings, then runs what is registered and asked for on the command line.
int run_benchmarks(int argc, char** argv);

}  // namespace giemsa
