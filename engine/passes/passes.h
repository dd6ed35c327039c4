// Rewrites of a graph: small, pure, each its own file. A pass takes a graph and returns another that computes the same.
#pragma once

#include "engine/graph/graph.h"

namespace giemsa {

/// Nodes of which nothing reaches an output of the graph are gone, as a centre head whose result nobody asked for.
Graph drop_unread(const Graph& graph);

/// conv2d -> batch_norm becomes one conv2d whose weights carry the normalisation (engine/graph/fold.h).
Graph fold_batch_norm(const Graph& graph);

/// conv2d, add or linear followed by relu becomes one op with an activation, as does conv2d followed by ReLU6.
Graph fuse_activation(const Graph& graph);

/// add(conv2d, x) becomes a conv2d with a residual input. Of two convolutions the later one is taken.
Graph fuse_residual(const Graph& graph);

/// upsample (clamped) -> threshold becomes one op that never writes the upsampled logits.
Graph fuse_upsample_threshold(const Graph& graph);

/// fill_holes -> area_open -> components, with the regions of these, becomes one clean_label_measure.
Graph fuse_cleanup(const Graph& graph);

/// Gives the inputs of a concat, where nothing else claims them, a slot in its output, so that the concat copies
/// nothing.
Graph concat_in_place(const Graph& graph);

/// All of the above, in the order in which they feed each other.
Graph optimize(const Graph& graph);

}  // namespace giemsa
