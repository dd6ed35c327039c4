// Writes what our ops say that they are in ONNX.
#pragma once

#include "engine/graph/graph.h"
#include "nets/onnx/model_proto.h"

namespace giemsa::onnx {

/// Appends `node` of `graph` to `proto`: operators whose last is called as the node is, and its constants, called as
/// the model file calls them (<layer>.weight, ...), in fp32. Which these are the op says (Op::to_onnx). Throws
/// Error(internal) for an op that no network has.
void append(GraphProto& proto, const Graph& graph, const Node& node);

}  // namespace giemsa::onnx
