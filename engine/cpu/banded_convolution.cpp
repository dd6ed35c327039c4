#include "engine/cpu/banded_convolution.h"

#include <omp.h>

#include <algorithm>
#include <array>

#include "kernels/cpu/parallel.h"

namespace giemsa::cpu {

namespace {

constexpr std::size_t scratchpad_alignment = 64;

/// `rows` rows of `images` images of a dense NHWC tensor.
dnnl::memory::desc rows_of(const Buffer& value, std::int64_t images, std::int64_t rows) {
  return {{images, value.shape[1], rows, value.shape[3]}, onednn_type(value.dtype), dnnl::memory::format_tag::nhwc};
}

std::int64_t row_bytes(const Buffer& value) {
  return value.shape[1] * value.shape[3] * static_cast<std::int64_t>(size_of(value.dtype));
}

using Choice = dnnl::convolution_forward::primitive_desc;

/// oneDNN's convolution for bands of `shape`, with the weights' layout left to it.
Choice choose(const StepBuilder& builder, const Buffer& src, const Buffer& dst, const BandShape& shape,
              const dnnl::primitive_attr& attributes) {
  const auto& op = std::get<Conv2d>(builder.node.op);
  dnnl::memory::dims weight_dims{op.out_channels, src.channels() / op.groups, op.kernel.h, op.kernel.w};
  if (op.groups > 1) {
    weight_dims[0] /= op.groups;
    weight_dims.insert(weight_dims.begin(), op.groups);
  }
  const auto weight_type = is_8bit(src.dtype) ? dnnl::memory::data_type::s8 : onednn_type(src.dtype);
  const ConvolutionSpec spec{rows_of(src, shape.images, shape.in_rows),
                             {weight_dims, weight_type, dnnl::memory::format_tag::any},
                             {{op.out_channels}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::x},
                             rows_of(dst, shape.images, shape.rows),
                             {op.stride.h, op.stride.w},
                             {op.dilation.h - 1, op.dilation.w - 1},
                             {shape.padding_above, op.padding.w},
                             {shape.padding_below, op.padding.w}};
  try {
    return convolution(builder.context.engine, spec, attributes);
  } catch (const dnnl::error& error) {
    fail(ErrorKind::model, "layer ", builder.node.name, ": oneDNN has no convolution for input ", src.shape, " in ",
         src.dtype, ": ", error.what());
  }
}

}  // namespace

dnnl::memory::data_type onednn_type(DType dtype) {
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

void use_one_thread() {
  omp_set_num_threads(1);
}

OneThread::OneThread() : before_(omp_get_max_threads()) {
  if (before_ != 1) use_one_thread();
}

OneThread::~OneThread() {
  if (before_ != 1) omp_set_num_threads(before_);
}

BandedConvolution::BandedConvolution(StepBuilder& builder, const Buffer* src, const Buffer* dst,
                                     const std::optional<AddedTo>& added_to)
    : src_(src), dst_(dst) {
  const OneThread one;
  const auto& op = std::get<Conv2d>(builder.node.op);
  const dnnl::primitive_attr attributes =
      convolution_attributes(added_to, op.activation != Activation::none, ceiling_of(op.activation) / dst->scale);
  const int workers = kernels::max_threads();
  const dnnl::engine& engine = builder.context.engine;
  for (const Band& band : bands_of(op, src->shape, dst->shape, workers)) {
    const Kernel& kernel = kernel_for(builder, band.shape, attributes);
    parts_.push_back({&kernel, (band.image * src->shape[2] + band.in_row) * row_bytes(*src),
                      (band.image * dst->shape[2] + band.row) * row_bytes(*dst),
                      dnnl::memory(kernel.src, engine, nullptr), dnnl::memory(kernel.dst, engine, nullptr)});
  }
  std::size_t scratch_bytes = 0;
  for (const Kernel& kernel : kernels_) scratch_bytes = std::max(scratch_bytes, kernel.scratchpad.get_size());
  scratch_bytes = (scratch_bytes + scratchpad_alignment - 1) / scratchpad_alignment * scratchpad_alignment;
  const auto used = std::min(parts_.size(), static_cast<std::size_t>(workers));
  scratch_ = builder.scratch(used * scratch_bytes);
  for (std::size_t worker = 0; worker < used; ++worker) {
    streams_.emplace_back(engine);
    for (Kernel& kernel : kernels_) kernel.scratchpads.emplace_back(kernel.scratchpad, engine, nullptr);
  }
}

/// The kernel for bands of `shape`, made at the first of them. Its weights are packed, where the layer has them in that
/// form already, no second time.
const BandedConvolution::Kernel& BandedConvolution::kernel_for(StepBuilder& builder, const BandShape& shape,
                                                               const dnnl::primitive_attr& attributes) {
  const auto found = std::ranges::find(kernels_, shape, &Kernel::shape);
  if (found != kernels_.end()) return *found;

  Context& context = builder.context;
  const auto& op = std::get<Conv2d>(builder.node.op);
  const bool int8 = is_8bit(src_->dtype);
  Kernel& kernel = kernels_.emplace_back();
  kernel.shape = shape;
  dnnl::primitive_attr own = attributes;
  if (int8) {
    // The weights' layout does not depend on the scales, which are known only after the weights.
    OutputScales(std::vector<float>(static_cast<std::size_t>(op.out_channels), 1.0f), {}, op.groups).apply_to(own);
  }
  Choice choice = choose(builder, *src_, *dst_, shape, own);
  kernel.weights = context.weights.convolution(op, builder.node.weights[0], context.engine, choice.weights_desc());
  if (int8) {
    std::vector<float> scales = kernel.weights->scale, bias = kernel.weights->bias;
    for (float& scale : scales) scale *= src_->scale / dst_->scale;
    for (float& value : bias) value /= dst_->scale;
    kernel.scales.emplace(std::move(scales), std::move(bias), op.groups);
    kernel.scales->apply_to(own);
    choice = choose(builder, *src_, *dst_, shape, own);
  }
  const std::vector<float>& bias = int8 ? kernel.scales->bias() : kernel.weights->bias;
  kernel.primitive = dnnl::convolution_forward(choice);
  kernel.src = choice.src_desc();
  kernel.dst = choice.dst_desc();
  kernel.scratchpad = choice.scratchpad_desc();
  kernel.bias = dnnl::memory(choice.bias_desc(), context.engine, const_cast<float*>(bias.data()));
  kernel.arguments = {{DNNL_ARG_WEIGHTS, kernel.weights->weight.get()}, {DNNL_ARG_BIAS, kernel.bias.get()}};
  if (int8) kernel.scales->append_to(kernel.arguments, context.engine);
  return kernel;
}

void BandedConvolution::bind() {
  for (Part& part : parts_) {
    part.src.set_data_handle(src_->data + part.src_offset);
    part.dst.set_data_handle(dst_->data + part.dst_offset);
  }
  const std::size_t each = static_cast<std::size_t>(scratch_->shape.volume()) / streams_.size();
  for (Kernel& kernel : kernels_)
    for (std::size_t worker = 0; worker < streams_.size(); ++worker)
      kernel.scratchpads[worker].set_data_handle(scratch_->data + worker * each);
}

void BandedConvolution::run() const {
  kernels::parallel_for_with_scratch(
      static_cast<std::int64_t>(parts_.size()), static_cast<int>(streams_.size()), [&](std::int64_t part, int worker) {
        execute(parts_[static_cast<std::size_t>(part)], static_cast<std::size_t>(worker));
      });
}

/// Through the C API: the C++ one builds a hash map of the arguments each time.
void BandedConvolution::execute(const Part& part, std::size_t worker) const {
  const OneThread one;
  const Kernel& kernel = *part.kernel;
  std::array<dnnl_exec_arg_t, 6> arguments{{{DNNL_ARG_SRC, part.src.get()},
                                            {DNNL_ARG_DST, part.dst.get()},
                                            {DNNL_ARG_SCRATCHPAD, kernel.scratchpads[worker].get()}}};
  const auto end = std::ranges::copy(kernel.arguments, arguments.begin() + 3).out;
  const dnnl_status_t status = dnnl_primitive_execute(kernel.primitive.get(), streams_[worker].get(),
                                                      static_cast<int>(end - arguments.begin()), arguments.data());
  check(status == dnnl_success, ErrorKind::device, "oneDNN failed with status ", static_cast<int>(status));
}

}  // namespace giemsa::cpu
