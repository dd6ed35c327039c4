// A graph compiled for the CPU: memory bound, one step a node.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "engine/cpu/nhwc.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/pages.h"
#include "engine/cpu/weight_cache.h"
#include "engine/layout.h"
#include "engine/session.h"

namespace giemsa::cpu {

/// What all sessions of a backend share.
struct Context {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  WeightCache weights;
  DType precision = DType::f32;  ///< of what is not in 8 bits
  bool int8 = false;             ///< calibrated results are in 8 bits
  int threads = 1;
};

/// The work of one node. `bind` runs once, when every Value knows its address.
struct Step {
  std::function<void()> bind;
  std::function<void()> run;
};

/// What a step is made from: its node, where its operands are, and a source of scratch memory.
class StepBuilder {
 public:
  StepBuilder(Context& shared, const Graph& whole, NodeId which, Layout& layout, std::deque<Value>& scratch)
      : context(shared), graph(whole), id(which), node(whole[which]), layout_(layout), scratch_(scratch) {}

  /// Chooses the kernel of the node. Throws Error(model), naming the layer, where there is none.
  Step build();

  Context& context;
  const Graph& graph;
  const NodeId id;
  const Node& node;

  const Value* input(std::size_t i) const { return &layout_.values[index_of(node.inputs[i])]; }
  const Value* output() const { return &layout_.values[index_of(id)]; }
  const Value* value(NodeId node_id) const { return &layout_.values[index_of(node_id)]; }
  bool overwrites_residual() const { return layout_.in_place[index_of(id)]; }

  /// Whether an earlier node's step makes this node's result.
  bool is_made_before() const { return layout_.made_with[index_of(id)] != id; }
  /// The later node whose result this step makes as well, if there is one.
  std::optional<NodeId> made_along() const;

  /// `bytes` of memory that are this step's alone while it runs.
  const Value* scratch(std::size_t bytes) { return scratch_like(DType::u8, Shape{static_cast<std::int64_t>(bytes)}); }

  /// The same, as a dense tensor.
  const Value* scratch_like(DType dtype, const Shape& shape, float scale = 1);

  /// The network tensor `value` or, where it is not stored as `dtype`, a scratch tensor for its copy in that type; the
  /// copy is appended to `before`, which a step runs first.
  const Value* stored_as(DType dtype, const Value* value, std::vector<std::function<void()>>& before);

  /// The network tensor `value` or, where its pixels are not adjacent, a copy in scratch, made in `before`.
  const Value* dense(const Value* value, std::vector<std::function<void()>>& before);

 private:
  Layout& layout_;
  std::deque<Value>& scratch_;
};

/// The kernels of Conv2d, in steps_convolution.cpp.
Step convolution_step(StepBuilder& builder);

/// The kernels of Linear, in steps_linear.cpp.
Step linear_step(StepBuilder& builder);

/// The view that kernels take. Of {N,K}: N images of one pixel.
Nhwc view_of(const Value& value);

/// The memory of a dense tensor.
std::span<std::byte> bytes_of(const Value& value);

class CpuSession final : public Session {
 public:
  CpuSession(Graph graph, std::shared_ptr<Context> context);

 private:
  void begin(std::span<const void* const> inputs) override;
  void run_node(NodeId id) override { steps_[index_of(id)].run(); }
  void end() override;
  const void* output_data(std::size_t i) const override;
  Tensor value_of(NodeId id) const override;

  void add_exports();
  void bind();

  std::shared_ptr<Context> context_;
  Layout layout_;
  std::deque<Value> scratch_;  // a deque: steps hold pointers to its elements
  std::vector<Step> steps_;
  std::vector<const Value*> exports_;  // a dense fp32 copy for each output that is a picture, else null
  Pages arena_;
};

}  // namespace giemsa::cpu
