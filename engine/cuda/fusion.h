// What the GPU's kernels compute together: the CUDA backend's own passes.
#pragma once

#include <vector>

#include "engine/cuda/steps.h"

namespace giemsa::cuda {

/// A depthwise convolution and the pointwise one that reads it, which could be one kernel.
struct SeparableCandidate {
  const Node *depthwise, *pointwise;  ///< of the graph that was asked about
  SeparableConv2d op;
};

/// Where a kernel for both could be used: in fp16, without a vendor's library for the pointwise ones, where nothing
/// else reads what lies between.
std::vector<SeparableCandidate> separable_candidates(const Graph& graph, const Context& context);

/// What a tuning file says of a candidate that reads a value of shape `in`.
Pair pair_of(const SeparableConv2d& op, const Shape& in);

/// Makes separable_conv2d of those candidates that are expected to be faster as one kernel (the context's tuning), and
/// aspp_depthwise of three depthwise convolutions of one input, unless all of them go into separable ones. Pure.
Graph fuse_depthwise(const Graph& graph, const Context& context);

/// The graph as the GPU runs it; `optimized` as of Backend::compile(). There are no kernels that clean a mask step by
/// step, so these are fused in any case.
Graph passes(const Graph& graph, const Context& context, bool optimized = true);

}  // namespace giemsa::cuda
