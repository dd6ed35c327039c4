// Decides, for a graph, where each result lives and how it is stored, before any kernel is chosen.
#pragma once

#include <vector>

#include "engine/cpu/value.h"
#include "engine/graph.h"
#include "engine/plan.h"

namespace giemsa::cpu {

struct Layout {
  std::vector<Value> values;     ///< one a node
  std::vector<Lifetime> blocks;  ///< memory blocks that values live in; a step's number is its node's
  std::vector<bool> in_place;    ///< a residual convolution that overwrites its residual input
};

/// Rules: network tensors are stored in `precision`, but for what only fp32 readers (outputs, thresholds and
/// upsamplings that lead to them) read; slots of a concat are strided views of its block; a residual convolution takes
/// over its residual's block where that value dies there.
Layout lay_out(const Graph& graph, DType precision);

}  // namespace giemsa::cpu
