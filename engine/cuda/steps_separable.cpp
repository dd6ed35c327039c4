// A depthwise 3x3 and the pointwise 1x1 after it as one launch: what fuse_depthwise() (fusion.h) makes.
#include "engine/cuda/fusion.h"
#include "engine/cuda/steps.h"
#include "kernels/separable.h"

namespace giemsa::cuda {

kernels::SeparableParams params_of(const Conv2d& depthwise, const Conv2d& pointwise, const Shape& in,
                                   std::int64_t input_pixel_stride, std::int64_t output_pixel_stride) {
  return {.images = narrow(in[0]),
          .in_h = narrow(in[2]),
          .in_w = narrow(in[3]),
          .channels = narrow(in[1]),
          .out_channels = narrow(pointwise.out_channels),
          .window = {extent_of(depthwise.kernel), extent_of(depthwise.stride), extent_of(depthwise.padding),
                     extent_of(depthwise.dilation)},
          .input_pixel_stride = narrow(input_pixel_stride),
          .output_pixel_stride = narrow(output_pixel_stride),
          .depthwise_relu = depthwise.activation != Activation::none,
          .relu = pointwise.activation != Activation::none,
          .depthwise_ceiling = ceiling_of(depthwise.activation),
          .ceiling = ceiling_of(pointwise.activation)};
}

Step step_of(StepBuilder& b, const SeparableConv2d& op) {
  const Buffer *in = b.input(), *out = b.output();
  check(in->dtype == DType::f16 && out->dtype == DType::f16, ErrorKind::internal,
        "a separable convolution that is not in fp16 throughout");
  const kernels::SeparableParams params =
      params_of(op.depthwise, op.pointwise, in->shape, in->pixel_stride, out->pixel_stride);
  const PairPlan fused = b.context.tuning.plan_for(pair_of(op, in->shape), b.context.gpu.sm_count);
  check(fused.has_value(), ErrorKind::internal, "a depthwise convolution was fused that should not be");
  const kernels::SeparablePlan plan = *fused;
  const LayerWeights first = b.context.weights.depthwise(b.node.weights[0], in->channels(), DType::f16);
  const LayerWeights second =
      b.context.weights.convolution(op.pointwise, b.node.weights[1], in->channels(), DType::f16);
  const Buffer* parts = b.scratch(kernels::workspace_bytes(params, plan));
  using kernels::Half;
  return [=](Stream stream) {
    const kernels::SeparableInputs inputs{in->as<Half>(), first.weight_as<Half>(), first.bias, second.weight_as<Half>(),
                                          second.bias};
    kernels::separable(out->as<Half>(), parts->raw<float>(), inputs, params, plan, stream);
  };
}

}  // namespace giemsa::cuda
