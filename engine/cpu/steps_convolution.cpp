// Conv2d on the CPU: one of our kernels (depthwise, stem, Winograd), or oneDNN's convolution with bias, residual and
// activation in its epilogue.
#include <memory>

#include "engine/cpu/session.h"
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

dnnl::memory::data_type type_of(DType dtype) {
  switch (dtype) {
    case DType::bf16:
      return dnnl::memory::data_type::bf16;
    case DType::u8:
      return dnnl::memory::data_type::u8;
    case DType::i8:
      return dnnl::memory::data_type::s8;
    default:
      return dnnl::memory::data_type::f32;
  }
}

/// A dense NHWC tensor in oneDNN's words.
dnnl::memory::desc desc_of(const Buffer& value) {
  const Shape& s = value.shape;
  return {{s[0], s[1], s[2], s[3]}, type_of(value.dtype), dnnl::memory::format_tag::nhwc};
}

/// A primitive, its arguments, and which of them have addresses only after planning. Executed through the C API, whose
/// argument array is made once; the C++ one builds a hash map each time.
struct Convolution {
  dnnl::convolution_forward primitive;
  std::shared_ptr<const ConvWeights> weights;
  std::optional<OutputScales> scales;  ///< of a convolution of integers
  dnnl::stream stream;
  dnnl::memory src, dst, bias, scratchpad;
  std::vector<dnnl_exec_arg_t> arguments;

  void execute() const {
    const dnnl_status_t status =
        dnnl_primitive_execute(primitive.get(), stream.get(), static_cast<int>(arguments.size()), arguments.data());
    check(status == dnnl_success, ErrorKind::device, "oneDNN failed with status ", static_cast<int>(status));
  }
};

using Kernel = dnnl::convolution_forward::primitive_desc;

Kernel choose_kernel(const StepBuilder& builder, const Buffer& src, const Buffer& dst,
                     const dnnl::primitive_attr& attributes) {
  const auto& op = std::get<Conv2d>(builder.node.op);
  dnnl::memory::dims weight_dims{op.out_channels, src.channels() / op.groups, op.kernel.h, op.kernel.w};
  if (op.groups > 1) {
    weight_dims[0] /= op.groups;
    weight_dims.insert(weight_dims.begin(), op.groups);
  }
  const auto weight_type = is_8bit(src.dtype) ? dnnl::memory::data_type::s8 : type_of(src.dtype);
  const ConvolutionSpec spec{desc_of(src),
                             {weight_dims, weight_type, dnnl::memory::format_tag::any},
                             {{op.out_channels}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::x},
                             desc_of(dst),
                             {op.stride.h, op.stride.w},
                             {op.dilation.h - 1, op.dilation.w - 1},
                             {op.padding.h, op.padding.w}};
  try {
    return convolution(builder.context.engine, spec, attributes);
  } catch (const dnnl::error& error) {
    fail(ErrorKind::model, "layer ", builder.node.name, ": oneDNN has no convolution for input ", src.shape, " in ",
         src.dtype, ": ", error.what());
  }
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
    return {residual->scale / dst->scale, type_of(residual->dtype)};
  }
  if (!is_there) before.push_back([dst, residual] { kernels::copy_pixels(view_of(*dst), view_of(*residual)); });
  return {};
}

/// Chooses the kernel of a convolution of integers, packs its weights and makes its scales.
Kernel prepare_int8(const StepBuilder& builder, const Buffer& src, const Buffer& dst, dnnl::primitive_attr attributes,
                    Convolution& conv) {
  Context& context = builder.context;
  const auto& op = std::get<Conv2d>(builder.node.op);
  const auto outputs = static_cast<std::size_t>(op.out_channels);
  // The weights' layout does not depend on the scales, which are known only after the weights.
  OutputScales(std::vector<float>(outputs, 1.0f), {}, op.groups).apply_to(attributes);
  const Kernel shape = choose_kernel(builder, src, dst, attributes);
  conv.weights = context.weights.convolution(op, builder.node.weights[0], context.engine, shape.weights_desc());
  std::vector<float> scales = conv.weights->scale, bias = conv.weights->bias;
  for (float& scale : scales) scale *= src.scale / dst.scale;
  for (float& value : bias) value /= dst.scale;
  conv.scales.emplace(std::move(scales), std::move(bias), op.groups);
  conv.scales->apply_to(attributes);
  return choose_kernel(builder, src, dst, attributes);
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
  const dnnl::primitive_attr attributes =
      convolution_attributes(residual, op.activation != Activation::none, ceiling_in(*dst, op));

  auto conv = std::make_shared<Convolution>();
  const Kernel kernel =
      int8 ? prepare_int8(builder, *src, *dst, attributes, *conv) : choose_kernel(builder, *src, *dst, attributes);
  if (!int8)
    conv->weights = context.weights.convolution(op, builder.node.weights[0], context.engine, kernel.weights_desc());
  const std::vector<float>& bias = int8 ? conv->scales->bias() : conv->weights->bias;
  const Buffer* scratch = builder.scratch(kernel.scratchpad_desc().get_size());

  conv->primitive = dnnl::convolution_forward(kernel);
  conv->stream = dnnl::stream(context.engine);
  conv->src = dnnl::memory(kernel.src_desc(), context.engine, nullptr);
  conv->dst = dnnl::memory(kernel.dst_desc(), context.engine, nullptr);
  conv->scratchpad = dnnl::memory(kernel.scratchpad_desc(), context.engine, nullptr);
  conv->bias = dnnl::memory(kernel.bias_desc(), context.engine, const_cast<float*>(bias.data()));
  conv->arguments = {{DNNL_ARG_SRC, conv->src.get()},
                     {DNNL_ARG_WEIGHTS, conv->weights->weight.get()},
                     {DNNL_ARG_BIAS, conv->bias.get()},
                     {DNNL_ARG_DST, conv->dst.get()},
                     {DNNL_ARG_SCRATCHPAD, conv->scratchpad.get()}};
  if (int8) conv->scales->append_to(conv->arguments, context.engine);

  return {[conv, src, dst, scratch] {
            conv->src.set_data_handle(src->data);
            conv->dst.set_data_handle(dst->data);
            conv->scratchpad.set_data_handle(scratch->data);
          },
          [conv, before, apart, dst, output] {
            for (const auto& action : before) action();
            conv->execute();
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
