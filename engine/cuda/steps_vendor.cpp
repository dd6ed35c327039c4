// Matrix products by cuDNN or cuBLAS, where the user chose one: what the vendor's library is told of a layer.
#include <optional>

#include "engine/cuda/steps.h"

namespace giemsa::cuda {

namespace {

TensorLayout tensor_layout(const Buffer& value) {
  const Shape& shape = value.shape;
  const std::int64_t pixel = value.pixel_stride, row = shape[3] * pixel;
  return {value.dtype, {shape[0], shape[1], shape[2], shape[3]}, {shape[2] * row, 1, row, pixel}};
}

ConvolutionDescriptor order_of(const Conv2d& op, const Buffer& in, const Buffer& out, const Buffer* residual) {
  const std::int64_t channels = in.channels() / op.groups, row = op.kernel.w * channels, depth = op.kernel.h * row;
  ConvolutionDescriptor order;
  order.x = tensor_layout(in);
  order.w = {in.dtype, {op.out_channels, channels, op.kernel.h, op.kernel.w}, {depth, 1, row, channels}};
  order.bias = {out.dtype, {1, op.out_channels, 1, 1}, {op.out_channels, 1, op.out_channels, op.out_channels}};
  order.y = tensor_layout(out);
  if (residual) order.residual = tensor_layout(*residual);
  order.stride = op.stride;
  order.padding = op.padding;
  order.dilation = op.dilation;
  order.relu = op.activation == Activation::relu;
  return order;
}

/// Pixels are columns: of `depth` channels in B, of `outputs` in D. A's columns are the weight's rows.
MatmulDescriptor product_of(const Buffer& in, const Buffer& out, std::int64_t depth, std::int64_t outputs,
                            std::int64_t weight_row) {
  MatmulDescriptor order;
  order.a = {in.dtype, depth, outputs, weight_row};
  order.b = {in.dtype, depth, in.pixels(), in.pixel_stride};
  order.d = {out.dtype, outputs, out.pixels(), out.pixel_stride};
  return order;
}

void* aligned(std::byte* memory) {
  constexpr std::uintptr_t multiple = workspace_alignment;
  return memory + (multiple - reinterpret_cast<std::uintptr_t>(memory) % multiple) % multiple;
}

Step step_of(StepBuilder& b, std::shared_ptr<const VendorPlan> plan, const LayerWeights& weights,
             const Buffer* residual) {
  b.computed_by = plan->description();
  const Buffer *in = b.input(0), *out = b.output();
  const Buffer* workspace = b.scratch(plan->workspace_bytes() + workspace_alignment);  // wherever it comes to lie
  return [=](Stream stream) {
    plan->enqueue({.x = in->data,
                   .w = weights.weight,
                   .bias = weights.typed_bias,
                   .residual = residual ? residual->data : nullptr,
                   .y = out->data,
                   .workspace = aligned(workspace->data)},
                  stream);
  };
}

}  // namespace

Step vendor_convolution_step(StepBuilder& b, const Conv2d& op) {
  if (!b.context.vendor || op.activation == Activation::relu6) return {};
  const Buffer *in = b.input(0), *out = b.output(), *residual = op.residual ? b.input(1) : nullptr;
  if (residual && residual->dtype != out->dtype) return {};  // both add it as it would be stored

  // The weight's rows as cuDNN wants them, without gaps. A row of a product begins where 16 bytes may be loaded.
  const std::int64_t depth = in->channels() / op.groups * op.kernel.h * op.kernel.w;
  if (std::shared_ptr plan = b.context.vendor->plan(order_of(op, *in, *out, residual)))
    return step_of(b, plan, b.context.weights.convolution_of_vendor(b.node.weights[0], depth, in->dtype, out->dtype),
                   residual);
  if (!is_pointwise(op) || !b.context.vendor->multiplies()) return {};
  const std::int64_t vector = layout_rules(in->dtype).channel_alignment, row = (depth + vector - 1) / vector * vector;
  MatmulDescriptor order = product_of(*in, *out, depth, op.out_channels, row);
  order.beta = residual ? 1.0f : 0.0f;
  order.relu = op.activation == Activation::relu;
  if (residual && residual->pixel_stride != out->pixel_stride) return {};  // C has D's layout
  const LayerWeights& weights = b.context.weights.convolution_of_vendor(b.node.weights[0], row, in->dtype, out->dtype);
  order.bias = weights.typed_bias;
  std::shared_ptr plan = b.context.vendor->plan(order);
  return plan ? step_of(b, plan, weights, residual) : Step{};
}

Step vendor_linear_step(StepBuilder& b, const Linear& op) {
  const Buffer *in = b.input(0), *out = b.output();
  const bool int8 = b.node.weights[0].weight.dtype() == DType::i8;
  if (!b.context.vendor || !b.context.vendor->multiplies() || int8) return {};
  // Of a result's row also the padding is written, with zeros, as our kernels expect it.
  MatmulDescriptor order = product_of(*in, *out, in->channels(), out->pixel_stride, in->pixel_stride);
  order.relu = op.activation == Activation::relu;
  const LayerWeights& weights = b.context.weights.linear(b.node.weights[0], out->pixel_stride, in->pixel_stride,
                                                         b.flattened_map(), in->dtype, out->dtype);
  order.bias = weights.typed_bias;
  std::shared_ptr plan = b.context.vendor->plan(order);
  return plan ? step_of(b, plan, weights, nullptr) : Step{};
}

}  // namespace giemsa::cuda
