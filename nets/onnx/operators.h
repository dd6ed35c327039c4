// Our operations in ONNX's.
#pragma once

#include "engine/graph.h"
#include "nets/onnx/model_proto.h"

namespace giemsa::onnx {

/// Appends `node` of `graph` to `proto`: operators whose last is called as the node is, and its constants, called as
/// the model file calls them (<layer>.weight, ...), in fp32. Throws Error(internal) for an op that no network has.
///
/// Batch norms stay nodes of their own: a reader sees the layers and values of the checkpoint, and every runtime folds
/// them itself. Weights are stored widened, int8 rows multiplied by their scales: a DequantizeLinear would keep the
/// file small, but runtimes leave it in place and redo it at every call.
void append(GraphProto& proto, const Graph& graph, const Node& node);

}  // namespace giemsa::onnx
