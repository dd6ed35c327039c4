// Conv2d on the GPU: dense, depthwise, and the three atrous branches of separable ASPP in one kernel.
#include <array>

#include "engine/cuda/steps.h"
#include "kernels/aspp.h"
#include "kernels/depthwise.h"

namespace giemsa::cuda {

kernels::Conv2dParams params_of(const Conv2d& op, const Buffer& in, const Buffer& out, const Buffer* residual) {
  const auto size = [](Size2 s) { return kernels::Conv2dParams::Size{narrow(s.h), narrow(s.w)}; };
  return {.images = narrow(in.shape[0]),
          .in_h = narrow(in.shape[2]),
          .in_w = narrow(in.shape[3]),
          .in_channels = narrow(in.channels()),
          .out_channels = narrow(op.out_channels),
          .kernel = size(op.kernel),
          .stride = size(op.stride),
          .padding = size(op.padding),
          .dilation = size(op.dilation),
          .groups = narrow(op.groups),
          .input_pixel_stride = narrow(in.pixel_stride),
          .output_pixel_stride = narrow(out.pixel_stride),
          .residual_pixel_stride = residual ? narrow(residual->pixel_stride) : 0,
          .relu = op.activation != Activation::none,
          .ceiling = ceiling_of(op.activation)};
}

namespace {

using kernels::Half;

template <class T>
kernels::Conv2dInputs<T> inputs_of(const Buffer* in, const LayerWeights& weights, const Buffer* residual) {
  return {in->as<T>(), weights.weight_as<T>(), weights.bias, residual ? residual->as<T>() : nullptr};
}

Step dense_step(StepBuilder& b, const Conv2d& op) {
  if (Step step = vendor_convolution_step(b, op)) return step;
  const Buffer *in = b.input(0), *out = b.output(), *residual = op.residual ? b.input(1) : nullptr;
  const kernels::Conv2dParams params = params_of(op, *in, *out, residual);
  const LayerWeights weights = b.context.weights.convolution(op, b.node.weights[0], in->channels(), in->dtype);
  check(!residual || residual->dtype == in->dtype, ErrorKind::internal, "a residual is stored apart from its input");
  if (in->dtype == DType::f32)
    return [=](Stream stream) {
      kernels::conv2d_f32(out->as<float>(), inputs_of<float>(in, weights, residual), params, stream);
    };
  const kernels::Conv2dPlan plan = b.context.tuning.plan_for(params, b.context.gpu.sm_count);
  const Buffer* parts = b.scratch(kernels::workspace_bytes(params, plan));
  return with_type(out->dtype, [&]<class Out>() -> Step {
    return [=](Stream stream) {
      kernels::conv2d(out->as<Out>(), parts->raw<float>(), inputs_of<Half>(in, weights, residual), params, plan,
                      stream);
    };
  });
}

Step depthwise_step(StepBuilder& b, const Conv2d& op) {
  const Buffer *in = b.input(0), *out = b.output();
  const int channels = whole_vectors(b, *in);
  const kernels::DepthwiseParams params{
      .images = narrow(in->shape[0]),
      .channels = channels,
      .in = plane_of(*in),
      .out = plane_of(*out),
      .window = {extent_of(op.kernel), extent_of(op.stride), extent_of(op.padding), extent_of(op.dilation)},
      .input_pixel_stride = narrow(in->pixel_stride),
      .output_pixel_stride = narrow(out->pixel_stride),
      .relu = op.activation != Activation::none,
      .ceiling = ceiling_of(op.activation)};
  const LayerWeights weights = b.context.weights.depthwise(b.node.weights[0], channels, in->dtype);
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) {
      kernels::depthwise(out->as<T>(), in->as<T>(), weights.weight_as<T>(), weights.bias, params, stream);
    };
  });
}

}  // namespace

Step step_of(StepBuilder& b, const AsppDepthwise& op) {
  const Buffer* in = b.input();
  kernels::AsppParams params{.images = narrow(in->shape[0]),
                             .channels = whole_vectors(b, *in),
                             .map = plane_of(*in),
                             .input_pixel_stride = narrow(in->pixel_stride),
                             .output_pixel_stride = narrow(b.output()->pixel_stride),
                             .relu = op.activation == Activation::relu};
  std::array<const Buffer*, kernels::aspp_branches> out{};
  std::array<LayerWeights, kernels::aspp_branches> weights;
  for (std::size_t i = 0; i < out.size(); ++i) {
    params.rates[i] = narrow(op.rates[i]);
    out[i] = b.output(i);
    weights[i] = b.context.weights.depthwise(b.node.weights[i], params.channels, in->dtype);
  }
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) {
      const auto branch = [&](std::size_t i) {
        return kernels::AsppBranch<T>{out[i]->as<T>(), weights[i].template weight_as<T>(), weights[i].bias};
      };
      const kernels::AsppBranch<T> branches[]{branch(0), branch(1), branch(2)};
      kernels::aspp_depthwise(branches, in->as<T>(), params, stream);
    };
  });
}

Step step_of(StepBuilder& b, const Conv2d& op) {
  return is_depthwise(op, b.input()->channels()) && !op.residual ? depthwise_step(b, op) : dense_step(b, op);
}

}  // namespace giemsa::cuda
