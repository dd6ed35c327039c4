// What a whole graph should compute, by the references, and how far a correct backend may be from it.
#pragma once

#include <span>
#include <vector>

#include "engine/graph/graph.h"
#include "tests/ref/reference.h"

namespace giemsa::test {

/// A value, and a bound on the error of every element of it.
struct Bounded {
  Shape shape;
  std::vector<double> value, error;
};

/// Runs `graph`, as built (before any pass), node by node. The bound holds for a backend of `precision` whether or not
/// it applies the passes of engine/passes: errors of the inputs go through the op with the absolute values of its
/// weights, and each op adds its own. Knows the ops of a convolutional network; Upsample only from 1x1. `precision` is
/// fp32, bf16 or fp16.
std::vector<Bounded> evaluate(const Graph& graph, std::span<const Tensor> inputs, DType precision);

/// How large errors may be beside the values: near 0 the bound is sharp, near 1 it allows anything.
double slack(const Bounded& result);

}  // namespace giemsa::test
