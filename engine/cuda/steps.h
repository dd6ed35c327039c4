// From a node to the launches that compute it.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "engine/cuda/elements.h"
#include "engine/cuda/runtime.h"
#include "engine/cuda/tuning.h"
#include "engine/cuda/vendor.h"
#include "engine/cuda/weights.h"
#include "engine/plan/layout.h"
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

/// Enqueues a node's launches; empty where nothing has to be done.
using Step = std::function<void(Stream)>;

/// What a step is made from: its node, where its operands are, and a source of scratch memory. Steps keep pointers to
/// buffers, whose addresses are known only when they run.
class StepBuilder {
 public:
  StepBuilder(Context& shared, const Graph& graph, NodeId id, Layout& layout, std::deque<Buffer>& scratch)
      : context(shared), node(graph[id]), graph_(graph), id_(id), layout_(layout), scratch_(scratch) {}

  /// Throws Error(model), naming the layer, where there is no kernel for it.
  Step build();

  Context& context;
  const Node& node;
  std::string computed_by;  ///< after build(): the vendor's kernel that computes the node; empty where it is ours

  const Buffer* input(std::size_t i = 0) const { return &layout_.buffers[index_of(node.inputs[i])]; }
  const Buffer* output(std::size_t i = 0) const { return &layout_.buffers[index_of(node.outputs[i])]; }

  /// Of an input that a Flatten left as it lies: the shape of the feature map; else null.
  const Shape* flattened_map() const {
    return input()->channels_last ? &graph_[graph_.producer_of(node.inputs[0]).inputs[0]].type.shape : nullptr;
  }

  /// `bytes` of memory that are this step's alone while it runs.
  const Buffer* scratch(std::size_t bytes);

  /// Constants on the device, for as long as the step lives.
  template <class T>
  std::shared_ptr<const T> constants(const std::vector<T>& values) {
    return std::static_pointer_cast<const T>(upload(values.data(), values.size() * sizeof(T)));
  }

  [[noreturn]] void no_kernel(std::string_view why) const;

 private:
  std::shared_ptr<const void> upload(const void* values, std::size_t bytes);

  const Graph& graph_;
  NodeId id_;
  Layout& layout_;
  std::deque<Buffer>& scratch_;
};

/// The step of each op, in the steps_*.cpp.
#define GIEMSA_DECLARE_STEP(Op) Step step_of(StepBuilder& b, const Op& op);
GIEMSA_OPS(GIEMSA_DECLARE_STEP)
#undef GIEMSA_DECLARE_STEP

/// Conv2d or Linear by the vendor's library that the context has: empty where there is none, or it cannot do this one.
Step vendor_convolution_step(StepBuilder& builder, const Conv2d& op);
Step vendor_linear_step(StepBuilder& builder, const Linear& op);

// Extents as kernels take them.
inline int narrow(std::int64_t value) {
  return static_cast<int>(value);
}
inline kernels::Extent extent_of(Size2 size) {
  return {narrow(size.h), narrow(size.w)};
}
inline kernels::Extent plane_of(const Buffer& map) {
  return {narrow(map.shape[2]), narrow(map.shape[3])};
}

/// Calls f.template operator()<T>() with the kernels' type of `dtype`, fp32 or fp16.
template <class F>
auto with_type(DType dtype, const F& f) {
  check(dtype == DType::f32 || dtype == DType::f16, ErrorKind::internal, "no kernel computes in ", dtype);
  return dtype == DType::f16 ? f.template operator()<kernels::Half>() : f.template operator()<float>();
}

/// Channels in whole vectors, as kernels compute them: the last may reach into the padding of pixels.
int whole_vectors(const StepBuilder& b, const Buffer& buffer);

/// The parameters of a depthwise convolution over `channels` channels, and of one without anything between it and the
/// pointwise one behind. In steps_convolution.cpp and steps_separable.cpp.
kernels::Conv2dParams params_of(const Conv2d& op, const Buffer& in, const Buffer& out, const Buffer* residual);
kernels::SeparableParams params_of(const Conv2d& depthwise, const Conv2d& pointwise, const Shape& in,
                                   std::int64_t input_pixel_stride, std::int64_t output_pixel_stride);

}  // namespace giemsa::cuda
