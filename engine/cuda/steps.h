// From a node to the launches that compute it.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "engine/cuda/runtime.h"
#include "engine/cuda/tuning.h"
#include "engine/cuda/vendor.h"
#include "engine/cuda/weights.h"
#include "engine/layout.h"
#include "kernels/nhwc.h"

namespace giemsa::cuda {

/// What all sessions of a backend share.
struct Context {
  DeviceFacts gpu;
  DType precision = DType::f16;  ///< fp16 or fp32
  Tuning tuning;
  std::shared_ptr<Vendor> vendor{};  ///< asked first for matrix products, where there is one
  WeightStore weights{};
};

/// What kernels ask for: 16-byte vectors of channels, and of int8 weights.
LayoutRules layout_rules(DType precision);

/// Enqueues a node's launches; empty where another node's step makes its result, or nothing has to be done.
using Step = std::function<void(Stream)>;

/// What a step is made from: its node, where its operands are, and a source of scratch memory. Steps keep pointers to
/// values, whose addresses are known only when they run.
class StepBuilder {
 public:
  StepBuilder(Context& shared, const Graph& whole, NodeId which, Layout& layout, std::deque<Value>& scratch)
      : context(shared), graph(whole), id(which), node(whole[which]), layout_(layout), scratch_(scratch) {}

  /// Throws Error(model), naming the layer, where there is no kernel for it.
  Step build();

  Context& context;
  const Graph& graph;
  const NodeId id;
  const Node& node;
  std::string computed_by;  ///< after build(): what of a vendor's library computes the node; empty where we do

  const Value* value(NodeId node_id) const { return &layout_.values[index_of(node_id)]; }
  const Value* input(std::size_t i) const { return value(node.inputs[i]); }
  const Value* output() const { return value(id); }

  /// Whether this node's step has nothing to do: an earlier one makes its result, or there is none.
  bool is_made_before() const { return layout_.made_with[index_of(id)] != id; }
  /// The depthwise convolution that this node's step computes along, if it takes one in.
  std::optional<NodeId> taken_in() const {
    const bool takes = !node.inputs.empty() && layout_.made_with[index_of(node.inputs[0])] == never_made;
    return takes ? std::optional(node.inputs[0]) : std::nullopt;
  }
  /// The later nodes whose results this step makes as well.
  std::vector<NodeId> made_along() const;

  /// `bytes` of memory that are this step's alone while it runs.
  const Value* scratch(std::size_t bytes);

  /// Constants on the device, for as long as the step lives.
  template <class T>
  std::shared_ptr<const T> constants(const std::vector<T>& values) {
    return std::static_pointer_cast<const T>(upload(values.data(), values.size() * sizeof(T)));
  }

 private:
  std::shared_ptr<const void> upload(const void* values, std::size_t bytes);

  Layout& layout_;
  std::deque<Value>& scratch_;
};

/// Conv2d, in steps_convolution.cpp; a pointwise one that takes in the depthwise one before it, in steps_separable.cpp.
Step convolution_step(StepBuilder& builder);
Step separable_step(StepBuilder& builder);

/// Conv2d or Linear by the vendor's library that the context has: empty where there is none, or it cannot do this one.
Step vendor_convolution_step(StepBuilder& builder);
Step vendor_linear_step(StepBuilder& builder);

/// makers_of(), and what the kernels of convolutions make together: one launch for ASPP's depthwise branches, or a
/// depthwise convolution and the pointwise one that reads it, whichever is expected to be faster.
std::vector<NodeId> nodes_made_with(const Graph& graph, const Context& context);

/// The pointwise convolution that can take in depthwise node `id`, if there is one.
std::optional<NodeId> pointwise_after(const Graph& graph, NodeId id, const Context& context);
/// How many depthwise convolutions could be one launch: the three of ASPP, if this is one of them, else one.
int branches_beside(const Graph& graph, NodeId depthwise);
/// How the two run, where `branches` depthwise convolutions of one input could be one launch instead.
PairPlan pair_plan(const Graph& graph, NodeId depthwise, NodeId pointwise, int branches, const Context& context);

// Extents as kernels take them.
inline int narrow(std::int64_t value) {
  return static_cast<int>(value);
}
inline kernels::Extent extent_of(Size2 size) {
  return {narrow(size.h), narrow(size.w)};
}
inline kernels::Extent plane_of(const Value& picture) {
  return {narrow(picture.shape[2]), narrow(picture.shape[3])};
}

/// Calls f.template operator()<T>() with the kernels' type of `dtype`, fp32 or fp16.
template <class F>
auto with_type(DType dtype, const F& f) {
  check(dtype == DType::f32 || dtype == DType::f16, ErrorKind::internal, "no kernel computes in ", dtype);
  return dtype == DType::f16 ? f.template operator()<kernels::Half>() : f.template operator()<float>();
}

}  // namespace giemsa::cuda
