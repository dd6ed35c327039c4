#include "engine/passes/passes.h"

namespace giemsa {

Graph optimize(const Graph& graph) {
  Graph result = drop_unread(graph);  // first: a reader that vanishes would stand in the way of fusions
  result = fold_batch_norm(result);
  result = fuse_activation(result);  // before residuals: a convolution with its own relu cannot host an add
  result = fuse_residual(result);
  result = fuse_upsample_threshold(result);
  result = fuse_cleanup(result);
  return concat_in_place(result);
}

}  // namespace giemsa
