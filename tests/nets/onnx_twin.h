// The way back: our graph from an ONNX file, by what ONNX's operator documentation says of each attribute.
#pragma once

#include "engine/graph/graph.h"
#include "tests/nets/onnx_reader.h"

namespace giemsa::test {

/// The network of `model` on a batch of `batch`. Fails the running test where a node reads what is not there before it,
/// misses a constant, or is of a shape other than the file says.
Graph graph_of(const OnnxModel& model, std::int64_t batch);

}  // namespace giemsa::test
