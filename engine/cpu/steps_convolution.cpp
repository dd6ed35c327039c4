// Conv2d on the CPU: one of our kernels (depthwise, stem, Winograd), or oneDNN's convolution with bias, residual and
// activation in its epilogue.
#include <memory>

#include "engine/cpu/banded_convolution.h"
#include "kernels/cpu/layers/depthwise.h"
#include "kernels/cpu/layers/elementwise.h"
#include "kernels/cpu/layers/stem.h"
#include "kernels/cpu/layers/winograd.h"

namespace giemsa::cpu {

namespace {

kernels::SlidingWindow window_of(const Conv2d& op) {
  return {extent_of(op.kernel), extent_of(op.stride), extent_of(op.padding), extent_of(op.dilation)};
}

/// The largest result, in what a unit of `dst` stands for.
float ceiling_in(const Buffer& dst, const Conv2d& op) {
  return ceiling_of(op.activation) / dst.scale;
}

kernels::ConvolutionParams convolution_of(const Conv2d& op, std::int64_t in_channels, const Buffer& dst) {
  return {window_of(op), in_channels, op.out_channels, op.activation != Activation::none, ceiling_in(dst, op)};
}

Step depthwise_step(StepBuilder& builder) {
  const auto& op = std::get<Conv2d>(builder.node.op);
  Actions before;
  const Buffer *src = builder.input(0), *dst = builder.output();
  if (!is_8bit(dst->dtype)) src = builder.stored_as(dst->dtype, src, before);
  return {{},
          [before, src, dst,
           params = kernels::DepthwiseParams{window_of(op), op.activation != Activation::none, ceiling_in(*dst, op)},
           weights = builder.context.weights.depthwise(builder.node.weights[0], src->scale, dst->scale)] {
            for (const auto& action : before) action();
            kernels::depthwise(view_of(*dst), view_of(*src), weights->depthwise.data(), weights->bias.data(), params);
          }};
}

Step stem_step(StepBuilder& builder) {
  Context& context = builder.context;
  const auto& op = std::get<Conv2d>(builder.node.op);
  Actions before;
  const Buffer *src = builder.input(0), *dst = builder.output();
  if (!is_8bit(src->dtype)) src = builder.stored_as(context.precision, src, before);
  src = builder.dense(src, before);
  const kernels::ConvolutionParams params = convolution_of(op, src->channels(), *dst);
  const Buffer* scratch = builder.scratch(kernels::stem_scratch_bytes(params, src->shape[3], element_for(src->dtype)));
  return {
      {},
      [before, src, dst, params, scratch, weights = context.weights.stem(params, builder.node.weights[0], *src, *dst)] {
        for (const auto& action : before) action();
        kernels::stem(view_of(*dst), view_of(*src), weights->stem, params, bytes_of(*scratch));
      }};
}

Step winograd_step(StepBuilder& builder) {
  const auto& op = std::get<Conv2d>(builder.node.op);
  const Buffer *src = builder.input(0), *dst = builder.output();
  const kernels::ConvolutionParams params = convolution_of(op, src->channels(), *dst);
  auto kernel = std::make_shared<kernels::Winograd>(params, src->shape[0], plane_of(*src));
  const Buffer* scratch = builder.scratch(kernel->scratch_bytes());
  return {{}, [src, dst, kernel, scratch, weights = builder.context.weights.winograd(params, builder.node.weights[0])] {
            kernel->run(view_of(*dst), view_of(*src), weights->winograd, weights->bias.data(), bytes_of(*scratch));
          }};
}

/// Makes `dst` hold what residual convolutions are to be added to, and says how it is stored there. Two types of 8 bits
/// stay as they are; others are converted.
AddedTo place_residual(const StepBuilder& builder, const Buffer* dst, bool is_there, Actions& before) {
  const Buffer* residual = builder.input(1);
  if (is_8bit(residual->dtype) && is_8bit(dst->dtype)) {
    if (!is_there)
      before.push_back([dst, residual] {
        kernels::Nhwc target = view_of(*dst);
        target.element = element_for(residual->dtype);
        target.scale = residual->scale;
        kernels::copy_pixels(target, view_of(*residual));
      });
    return {residual->scale / dst->scale, onednn_type(residual->dtype)};
  }
  if (!is_there) before.push_back([dst, residual] { kernels::copy_pixels(view_of(*dst), view_of(*residual)); });
  return {};
}

Step onednn_step(StepBuilder& builder) {
  Context& context = builder.context;
  const auto& op = std::get<Conv2d>(builder.node.op);
  const bool int8 = is_8bit(builder.input(0)->dtype);
  Actions before;
  const Buffer* input = int8 ? builder.input(0) : builder.stored_as(context.precision, builder.input(0), before);
  const Buffer* src = builder.dense(input, before);
  const Buffer* output = builder.output();
  // A slice of a concatenation has gaps between its pixels; oneDNN (2.6, NHWC) has only a reference loop for such
  // results, a thousand times slower than computing apart and copying. Our own kernels write slices directly.
  // Nor does it round sums of integers to bf16.
  const bool rounds = int8 && output->dtype == DType::bf16;
  const bool apart = output->pixel_stride != output->channels() || rounds;
  const Buffer* dst =
      apart ? builder.scratch_like(rounds ? DType::f32 : output->dtype, output->shape, output->scale) : output;
  std::optional<AddedTo> residual;
  if (op.residual) residual = place_residual(builder, dst, builder.overwrites_residual() && !apart, before);
  const auto convolution = std::make_shared<BandedConvolution>(builder, src, dst, residual);
  return {[convolution] { convolution->bind(); },
          [convolution, before, apart, dst, output] {
            for (const auto& action : before) action();
            convolution->run();
            if (apart) kernels::copy_pixels(view_of(*output), view_of(*dst));
          }};
}

}  // namespace

Step step_of(StepBuilder& builder, const Conv2d& op) {
  const Buffer *src = builder.input(0), *dst = builder.output();
  const DType precision = builder.context.precision;
  const bool depthwise =
      is_depthwise(op, src->channels()) && !op.residual && (src->dtype == dst->dtype || is_8bit(src->dtype));
  if (depthwise) return depthwise_step(builder);
  if (op.groups != 1 || op.residual) return onednn_step(builder);
  const kernels::ConvolutionParams params = convolution_of(op, src->channels(), *dst);
  if (kernels::stem_pays(params, element_for(is_8bit(src->dtype) ? src->dtype : precision))) return stem_step(builder);
  const bool fp32 = precision == DType::f32 && src->dtype == DType::f32 && dst->dtype == DType::f32;
  return fp32 && kernels::winograd_pays(params, plane_of(*src)) ? winograd_step(builder) : onednn_step(builder);
}

}  // namespace giemsa::cpu
