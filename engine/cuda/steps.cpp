// The layers of networks on the GPU, but for convolutions (steps_convolution.cpp, steps_separable.cpp).
#include "engine/cuda/steps.h"
#include "kernels/layout.h"
#include "kernels/linear.h"
#include "kernels/lrn.h"
#include "kernels/pointwise.h"
#include "kernels/pool.h"
#include "kernels/softmax.h"
#include "kernels/upsample_map.h"

namespace giemsa::cuda {

namespace {

using kernels::Half;

kernels::PointwiseParams pointwise(const Buffer* out, const Buffer* a, const Buffer* b, bool relu,
                                   float ceiling = kernels::unbounded) {
  return {.pixels = a->pixels(),
          .channels = narrow(a->channels()),
          .first_pixel_stride = narrow(a->pixel_stride),
          .second_pixel_stride = b ? narrow(b->pixel_stride) : 0,
          .output_pixel_stride = narrow(out->pixel_stride),
          .relu = relu,
          .ceiling = ceiling};
}

}  // namespace

Step step_of(StepBuilder& b, const BatchNorm& op) {
  const Buffer *in = b.input(0), *out = b.output();
  const LayerWeights weights = b.context.weights.affine(b.node.weights[0], op.eps);
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=, params = pointwise(out, in, nullptr, false)](Stream stream) {
      kernels::affine_pixels(out->as<T>(), in->as<T>(), weights.scale, weights.bias, params, stream);
    };
  });
}

Step step_of(StepBuilder& b, const Relu& op) {
  const Buffer *in = b.input(0), *out = b.output();
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=, params = pointwise(out, in, nullptr, true, op.ceiling)](Stream stream) {
      kernels::copy_pixels(out->as<T>(), in->as<T>(), params, stream);
    };
  });
}

Step step_of(StepBuilder& b, const Add& op) {
  const Buffer *x = b.input(0), *y = b.input(1), *out = b.output();
  return with_type(out->dtype, [&]<class T>() -> Step {
    return [=, params = pointwise(out, x, y, op.activation == Activation::relu)](Stream stream) {
      kernels::add_pixels(out->as<T>(), x->as<T>(), y->as<T>(), params, stream);
    };
  });
}

Step step_of(StepBuilder& b, const MaxPool& op) {
  const Buffer *in = b.input(0), *out = b.output();
  const kernels::MaxPoolParams params{
      .images = narrow(in->shape[0]),
      .channels = whole_vectors(b, *in),
      .in = plane_of(*in),
      .out = plane_of(*out),
      .window = {extent_of(op.kernel), extent_of(op.stride), extent_of(op.padding), {1, 1}},
      .input_pixel_stride = narrow(in->pixel_stride),
      .output_pixel_stride = narrow(out->pixel_stride)};
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) { kernels::max_pool(out->as<T>(), in->as<T>(), params, stream); };
  });
}

Step step_of(StepBuilder& b, const AdaptiveAvgPool&) {
  const Buffer *in = b.input(0), *out = b.output();
  const kernels::AveragePoolParams params{.images = narrow(in->shape[0]),
                                          .channels = whole_vectors(b, *in),
                                          .in = plane_of(*in),
                                          .out = plane_of(*out),
                                          .input_pixel_stride = narrow(in->pixel_stride),
                                          .output_pixel_stride = narrow(out->pixel_stride)};
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) { kernels::average_pool(out->as<T>(), in->as<T>(), params, stream); };
  });
}

Step step_of(StepBuilder& b, const Lrn& op) {
  const Buffer *in = b.input(0), *out = b.output();
  const kernels::LrnParams params{.pixels = in->pixels(),
                                  .channels = narrow(in->channels()),
                                  .size = narrow(op.size),
                                  .alpha = op.alpha,
                                  .beta = op.beta,
                                  .k = op.k,
                                  .input_pixel_stride = narrow(in->pixel_stride),
                                  .output_pixel_stride = narrow(out->pixel_stride)};
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) { kernels::lrn(out->as<T>(), in->as<T>(), params, stream); };
  });
}

Step step_of(StepBuilder& b, const Flatten&) {
  const Buffer *in = b.input(0), *out = b.output();
  if (out->channels_last) return {};
  const kernels::LayoutParams params{.images = narrow(in->shape[0]),
                                     .channels = narrow(in->channels()),
                                     .map = plane_of(*in),
                                     .pixel_stride = narrow(in->pixel_stride),
                                     .image_stride = out->pixel_stride};
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) { kernels::nhwc_to_nchw(out->as<T>(), in->as<T>(), params, stream); };
  });
}

Step step_of(StepBuilder& b, const Linear& op) {
  if (Step step = vendor_linear_step(b, op)) return step;
  const Buffer *in = b.input(0), *out = b.output();
  const LayerWeights weights =
      b.context.weights.linear(b.node.weights[0], out->pixel_stride, in->pixel_stride, b.flattened_map(), in->dtype);
  const kernels::LinearParams params{.samples = narrow(in->shape[0]),
                                     .in = narrow(in->pixel_stride),
                                     .out = narrow(out->pixel_stride),
                                     .relu = op.activation == Activation::relu};
  const auto run = [=]<class Y, class X, class W>() -> Step {
    return [=](Stream stream) {
      kernels::linear(out->as<Y>(), in->as<X>(), weights.weight_as<W>(), weights.scale, weights.bias, params, stream);
    };
  };
  const bool int8 = b.node.weights[0].weight.dtype() == DType::i8;
  if (in->dtype == DType::f32)
    return int8 ? run.template operator()<float, float, std::int8_t>() : run.template operator()<float, float, float>();
  return with_type(out->dtype, [&]<class Y>() {
    return int8 ? run.template operator()<Y, Half, std::int8_t>() : run.template operator()<Y, Half, Half>();
  });
}

Step step_of(StepBuilder& b, const Softmax&) {
  const Buffer *in = b.input(0), *out = b.output();
  const kernels::SoftmaxParams params{
      .rows = narrow(in->shape[0]), .columns = narrow(in->shape[1]), .input_stride = narrow(in->pixel_stride)};
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) { kernels::softmax(out->as<float>(), in->as<T>(), params, stream); };
  });
}

Step step_of(StepBuilder& b, const Concat&) {
  const Buffer* out = b.output();
  std::vector<Step> copies;
  std::int64_t channel = 0;
  for (std::size_t i = 0; i < b.node.inputs.size(); ++i) {
    const Buffer* in = b.input(i);
    if (in->block != out->block)
      copies.push_back(with_type(out->dtype, [&]<class T>() -> Step {
        return [=, params = pointwise(out, in, nullptr, false)](Stream stream) {
          kernels::copy_pixels(out->as<T>() + channel, in->as<T>(), params, stream);
        };
      }));
    channel += in->channels();
  }
  if (copies.empty()) return {};
  return [copies](Stream stream) {
    for (const Step& copy : copies) copy(stream);
  };
}

Step step_of(StepBuilder& b, const Upsample& op) {
  const Buffer *in = b.input(0), *out = b.output();
  const kernels::UpsampleParams params{.images = narrow(in->shape[0]),
                                       .channels = narrow(in->channels()),
                                       .in = plane_of(*in),
                                       .out = plane_of(*out),
                                       .align_corners = op.align_corners,
                                       .zero_outside = op.edge == EdgeMode::zero,
                                       .input_pixel_stride = narrow(in->pixel_stride),
                                       .output_pixel_stride = narrow(out->pixel_stride)};
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) { kernels::upsample(out->as<T>(), in->as<T>(), params, stream); };
  });
}

LayoutRules layout_rules(DType precision) {
  constexpr std::int64_t vector_bytes = 16;
  return {.precision = precision,
          .channel_alignment = vector_bytes / static_cast<std::int64_t>(size_of(precision)),
          .row_alignment = vector_bytes,  // of int8 weights
          .uniform = true};
}

int whole_vectors(const StepBuilder& b, const Buffer& buffer) {
  const std::int64_t n = layout_rules(b.context.precision).channel_alignment;
  return narrow((buffer.channels() + n - 1) / n * n);
}

const Buffer* StepBuilder::scratch(std::size_t bytes) {
  const int step = static_cast<int>(index_of(id_));
  layout_.blocks.push_back({graph_[node.outputs.back()].name + " (scratch)", bytes, step, step});
  Buffer buffer;
  buffer.dtype = DType::u8;
  buffer.shape = Shape{static_cast<std::int64_t>(bytes)};
  buffer.block = static_cast<int>(layout_.blocks.size() - 1);
  return &scratch_.emplace_back(buffer);
}

void StepBuilder::no_kernel(std::string_view why) const {
  fail(ErrorKind::model, "layer ", node.name, ": the GPU has no kernel for ", name_of(node.op), ": ", why);
}

std::shared_ptr<const void> StepBuilder::upload(const void* values, std::size_t bytes) {
  std::shared_ptr<void> memory = device_memory(bytes);
  const OwnedStream stream;
  copy(memory.get(), values, bytes, stream.get());
  synchronise(stream.get());
  return memory;
}

Step StepBuilder::build() {
  return std::visit(
      [&]<class T>(const T& op) -> Step {
        if constexpr (std::is_same_v<T, Input>)
          return {};
        else
          return step_of(*this, op);
      },
      node.op);
}

}  // namespace giemsa::cuda
