// A graph compiled for the CPU: memory is bound once, and each node is one step.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "engine/cpu/elements.h"
#include "engine/cpu/kernel_types.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/pages.h"
#include "engine/cpu/weight_cache.h"
#include "engine/plan/layout.h"
#include "engine/run/session.h"
#include "kernels/cpu/executor.h"

namespace giemsa::cpu {

/// What all sessions of a backend share.
struct Context {
  explicit Context(std::shared_ptr<HostMemory> host_memory) : memory(std::move(host_memory)), weights(memory) {}

  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  std::shared_ptr<HostMemory> memory;  ///< of activations and packed weights; null: the system's
  WeightCache weights;
  DType precision = DType::f32;                 ///< of values that are not in 8 bits
  bool int8 = false;                            ///< calibrated values are stored in 8 bits
  std::shared_ptr<kernels::Executor> executor;  ///< of the loops that one session runs
};

/// The work of one node. `bind` runs once, when every buffer knows its address.
struct Step {
  std::function<void()> bind;
  std::function<void()> run;
};
using Actions = std::vector<std::function<void()>>;

/// `before`, then `action`.
Step sequence(Actions before, std::function<void()> action);

/// What a step is made from: its node, where its operands are, and a source of scratch memory.
class StepBuilder {
 public:
  StepBuilder(Context& shared, const Graph& graph, NodeId id, Layout& layout, std::deque<Buffer>& scratch)
      : context(shared), node(graph[id]), graph_(graph), id_(id), layout_(layout), scratch_(scratch) {}

  /// Chooses the kernel of the node. Throws Error(model), naming the layer, where there is none.
  Step build();

  Context& context;
  const Node& node;

  const Buffer* input(std::size_t i = 0) const { return &layout_.buffers[index_of(node.inputs[i])]; }
  const Buffer* output(std::size_t i = 0) const { return &layout_.buffers[index_of(node.outputs[i])]; }
  bool overwrites_residual() const { return layout_.in_place[index_of(id_)]; }

  /// `bytes` of memory that are this step's alone while it runs.
  const Buffer* scratch(std::size_t bytes) { return scratch_like(DType::u8, Shape{static_cast<std::int64_t>(bytes)}); }

  /// The same, as a dense tensor.
  const Buffer* scratch_like(DType dtype, const Shape& shape, float scale = 1);

  /// The network tensor `buffer` or, where it is not stored as `dtype`, a scratch tensor for its copy in that type; the
  /// copy is appended to `before`, which a step runs first.
  const Buffer* stored_as(DType dtype, const Buffer* buffer, Actions& before);

  /// The network tensor `buffer` or, where its pixels are not adjacent, a copy in scratch, made in `before`.
  const Buffer* dense(const Buffer* buffer, Actions& before);

  /// The output itself where it is dense fp32, else scratch that deliver() copies from.
  const Buffer* dense_fp32_result();
  /// `actions`, which write `result`, and then the copy from there to the output.
  Step deliver(Actions actions, const Buffer* result) const;

  [[noreturn]] void no_kernel(std::string_view why) const;

 private:
  const Graph& graph_;
  NodeId id_;
  Layout& layout_;
  std::deque<Buffer>& scratch_;
};

/// The step of each op, in the steps_*.cpp.
#define GIEMSA_DECLARE_STEP(Op) Step step_of(StepBuilder& b, const Op& op);
GIEMSA_OPS(GIEMSA_DECLARE_STEP)
#undef GIEMSA_DECLARE_STEP

/// The view that kernels take. Of {N,K}: N images of one pixel.
kernels::Nhwc view_of(const Buffer& buffer);

/// The memory of a dense tensor, and its plane.
std::span<std::byte> bytes_of(const Buffer& buffer);
inline kernels::Extent plane_of(const Buffer& buffer) {
  return {buffer.shape[2], buffer.shape[3]};
}

class CpuSession final : public Session {
 public:
  CpuSession(Graph graph, std::shared_ptr<Context> context);
  ~CpuSession() override;

 private:
  void begin(std::span<const void* const> inputs) override;
  void run_node(NodeId id) override;
  void end() override;
  const void* output_data(std::size_t i) const override;
  Tensor value_of(ValueId id) const override;

  void add_exports();
  void bind();

  std::shared_ptr<Context> context_;
  Layout layout_;
  std::deque<Buffer> scratch_;  // a deque: steps hold pointers to its elements
  std::vector<Step> steps_;
  std::vector<const Buffer*> exports_;  // a dense fp32 copy for each output that is a feature map, else null
  Pages arena_;
};

}  // namespace giemsa::cpu
