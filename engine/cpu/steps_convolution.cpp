// Conv2d on the CPU: our depthwise kernel, or oneDNN's convolution with bias, residual and ReLU in its epilogue.
#include <memory>

#include "engine/cpu/depthwise.h"
#include "engine/cpu/elementwise.h"
#include "engine/cpu/session.h"

namespace giemsa::cpu {

namespace {

using Actions = std::vector<std::function<void()>>;

Step depthwise_step(StepBuilder& builder) {
  const auto& op = std::get<Conv2d>(builder.node.op);
  const Value *src = builder.input(0), *dst = builder.output();
  return {{}, [src, dst, op, weights = builder.context.weights.depthwise(builder.node)] {
            depthwise(view_of(*dst), view_of(*src), weights->depthwise.data(), weights->bias.data(), op);
          }};
}

dnnl::memory::data_type type_of(DType dtype) {
  return dtype == DType::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

/// A dense NHWC tensor in oneDNN's words.
dnnl::memory::desc desc_of(const Value& value) {
  const Shape& s = value.shape;
  return {{s[0], s[1], s[2], s[3]}, type_of(value.dtype), dnnl::memory::format_tag::nhwc};
}

/// A primitive, its arguments, and which of them have addresses only after planning. Executed through the C API, whose
/// argument array is made once; the C++ one builds a hash map each time.
struct Convolution {
  dnnl::convolution_forward primitive;
  std::shared_ptr<const ConvWeights> weights;
  dnnl::stream stream;
  dnnl::memory src, dst, bias, scratchpad;
  std::vector<dnnl_exec_arg_t> arguments;

  void execute() const {
    const dnnl_status_t status =
        dnnl_primitive_execute(primitive.get(), stream.get(), static_cast<int>(arguments.size()), arguments.data());
    check(status == dnnl_success, ErrorKind::device, "oneDNN failed with status ", static_cast<int>(status));
  }
};

dnnl::convolution_forward::primitive_desc choose_kernel(const StepBuilder& builder, const Value& src,
                                                        const Value& dst) {
  const auto& op = std::get<Conv2d>(builder.node.op);
  dnnl::memory::dims weight_dims{op.out_channels, src.channels() / op.groups, op.kernel.h, op.kernel.w};
  if (op.groups > 1) {
    weight_dims[0] /= op.groups;
    weight_dims.insert(weight_dims.begin(), op.groups);
  }
  const ConvolutionSpec spec{desc_of(src),
                             {weight_dims, type_of(src.dtype), dnnl::memory::format_tag::any},
                             {{op.out_channels}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::x},
                             desc_of(dst),
                             {op.stride.h, op.stride.w},
                             {op.dilation.h - 1, op.dilation.w - 1},
                             {op.padding.h, op.padding.w}};
  try {
    return convolution(builder.context.engine, spec,
                       convolution_attributes(op.residual, op.activation == Activation::relu));
  } catch (const dnnl::error& error) {
    fail(ErrorKind::model, "layer ", builder.node.name, ": oneDNN has no convolution for input ", src.shape, " in ",
         src.dtype, ": ", error.what());
  }
}

Step onednn_step(StepBuilder& builder) {
  Context& context = builder.context;
  Actions before;
  const Value* src = builder.dense(builder.stored_as(context.precision, builder.input(0), before), before);
  const Value* output = builder.output();
  // A slice of a concatenation has gaps between its pixels; oneDNN (2.6, NHWC) has only a reference loop for such
  // results, a thousand times slower than computing apart and copying. Our own kernels write slices directly.
  const bool apart = output->pixel_stride != output->channels();
  const Value* dst = apart ? builder.scratch_like(output->dtype, output->shape) : output;
  if (std::get<Conv2d>(builder.node.op).residual && !builder.overwrites_residual())
    before.push_back([dst, residual = builder.input(1)] { copy_pixels(view_of(*dst), view_of(*residual)); });

  const auto kernel = choose_kernel(builder, *src, *dst);
  const Value* scratch = builder.scratch(kernel.scratchpad_desc().get_size());

  auto conv = std::make_shared<Convolution>();
  conv->primitive = dnnl::convolution_forward(kernel);
  conv->weights = context.weights.convolution(builder.node, context.engine, kernel.weights_desc());
  conv->stream = dnnl::stream(context.engine);
  conv->src = dnnl::memory(kernel.src_desc(), context.engine, nullptr);
  conv->dst = dnnl::memory(kernel.dst_desc(), context.engine, nullptr);
  conv->scratchpad = dnnl::memory(kernel.scratchpad_desc(), context.engine, nullptr);
  conv->bias = dnnl::memory(kernel.bias_desc(), context.engine, const_cast<float*>(conv->weights->bias.data()));
  conv->arguments = {{DNNL_ARG_SRC, conv->src.get()},
                     {DNNL_ARG_WEIGHTS, conv->weights->weight.get()},
                     {DNNL_ARG_BIAS, conv->bias.get()},
                     {DNNL_ARG_DST, conv->dst.get()},
                     {DNNL_ARG_SCRATCHPAD, conv->scratchpad.get()}};

  return {[conv, src, dst, scratch] {
            conv->src.set_data_handle(src->data);
            conv->dst.set_data_handle(dst->data);
            conv->scratchpad.set_data_handle(scratch->data);
          },
          [conv, before, apart, dst, output] {
            for (const auto& action : before) action();
            conv->execute();
            if (apart) copy_pixels(view_of(*output), view_of(*dst));
          }};
}

}  // namespace

Step convolution_step(StepBuilder& builder) {
  const auto& op = std::get<Conv2d>(builder.node.op);
  const Value *src = builder.input(0), *dst = builder.output();
  return is_depthwise(op, src->channels()) && !op.residual && src->dtype == dst->dtype ? depthwise_step(builder) : onednn_step(builder);
}

}  // namespace giemsa::cpu
