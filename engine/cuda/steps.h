// From a node to the launches that compute it.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "engine/cuda/runtime.h"
#include "engine/cuda/tuning.h"
#include "engine/cuda/weights.h"
#include "engine/layout.h"

namespace giemsa::cuda {

/// What all sessions of a backend share.
struct Context {
  DeviceFacts gpu;
  DType precision = DType::f16;  ///< fp16 or fp32
  Tuning tuning;
  WeightStore weights;
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

  const Value* value(NodeId node_id) const { return &layout_.values[index_of(node_id)]; }
  const Value* input(std::size_t i) const { return value(node.inputs[i]); }
  const Value* output() const { return value(id); }

  /// Whether an earlier node's step makes this node's result.
  bool is_made_before() const { return layout_.made_with[index_of(id)] != id; }
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

/// Conv2d, in steps_convolution.cpp; and which depthwise convolutions one ASPP kernel makes together: nodes_made_with()
/// is makers_of() with those added.
Step convolution_step(StepBuilder& builder);
std::vector<NodeId> nodes_made_with(const Graph& graph);

/// Calls f.template operator()<T>() with the kernels' type of `dtype`, fp32 or fp16.
template <class F>
auto with_type(DType dtype, const F& f) {
  check(dtype == DType::f32 || dtype == DType::f16, ErrorKind::internal, "no kernel computes in ", dtype);
  return dtype == DType::f16 ? f.template operator()<kernels::Half>() : f.template operator()<float>();
}

}  // namespace giemsa::cuda
