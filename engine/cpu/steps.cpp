// The layers of networks on the CPU, but for Conv2d (steps_convolution.cpp) and Linear (steps_linear.cpp).
#include <memory>

#include "engine/cpu/session.h"
#include "kernels/cpu/layers/elementwise.h"
#include "kernels/cpu/layers/lrn.h"
#include "kernels/cpu/layers/pool.h"
#include "kernels/cpu/layers/upsample.h"

namespace giemsa::cpu {

Step step_of(StepBuilder& b, const SeparableConv2d&) {
  b.no_kernel("the CPU's passes make no such layer");
}

Step step_of(StepBuilder& b, const AsppDepthwise&) {
  b.no_kernel("the CPU's passes make no such layer");
}

Step step_of(StepBuilder& b, const BatchNorm& op) {
  Actions before;
  const Buffer* src = b.stored_as(b.output()->dtype, b.input(0), before);
  return sequence(before, [src, dst = b.output(), affine = b.context.weights.affine(b.node.weights[0], op.eps)] {
    kernels::affine_pixels(view_of(*dst), view_of(*src), affine->scale.data(), affine->shift.data());
  });
}

Step step_of(StepBuilder& b, const Relu& op) {
  Actions before;
  const bool is_rows = b.output()->shape.rank() != 4;
  const Buffer* src = is_rows ? b.input(0) : b.stored_as(b.output()->dtype, b.input(0), before);
  return sequence(before, [src, dst = b.output(), ceiling = op.ceiling] {
    kernels::relu_pixels(view_of(*dst), view_of(*src), ceiling);
  });
}

Step step_of(StepBuilder& b, const Add& op) {
  Actions before;
  const Buffer* dst = b.output();
  const Buffer* x = b.stored_as(dst->dtype, b.input(0), before);
  const Buffer* y = b.stored_as(dst->dtype, b.input(1), before);
  return sequence(before, [x, y, dst, op] {
    kernels::add_pixels(view_of(*dst), view_of(*x), view_of(*y), op.activation == Activation::relu);
  });
}

Step step_of(StepBuilder& b, const MaxPool& op) {
  const kernels::SlidingWindow window{extent_of(op.kernel), extent_of(op.stride), extent_of(op.padding)};
  return {{},
          [src = b.input(0), dst = b.output(), window] { kernels::max_pool(view_of(*dst), view_of(*src), window); }};
}

Step step_of(StepBuilder& b, const AdaptiveAvgPool&) {
  const Buffer *src = b.input(0), *dst = b.output();
  const std::int64_t floats =
      kernels::average_pool_scratch_floats(src->shape[0], src->channels(), plane_of(*src), plane_of(*dst));
  const Buffer* sums = b.scratch(static_cast<std::size_t>(floats) * sizeof(float));
  return {{}, [src, dst, sums] { kernels::average_pool(view_of(*dst), view_of(*src), sums->raw<float>()); }};
}

Step step_of(StepBuilder& b, const Lrn& op) {
  Actions before;
  const Buffer* src = b.dense(b.stored_as(DType::f32, b.input(0), before), before);
  const Buffer* result = b.dense_fp32_result();
  const kernels::LrnParams params{op.size, op.alpha, op.beta, op.k};
  before.push_back([src, result, params] {
    kernels::lrn(result->as<float>(), src->as<float>(), src->pixels(), src->channels(), params);
  });
  return b.deliver(std::move(before), result);
}

Step step_of(StepBuilder& b, const Flatten&) {
  const Buffer *src = b.input(0), *dst = b.output();
  if (is_8bit(dst->dtype))
    return {{}, [src, dst] { kernels::flatten(dst->as<std::uint8_t>(), dst->scale, view_of(*src)); }};
  return {{}, [src, dst] { kernels::export_nchw(dst->as<float>(), view_of(*src)); }};
}

Step step_of(StepBuilder& b, const Softmax&) {
  return {{}, [src = b.input(0), dst = b.output()] {
            kernels::softmax_rows(dst->as<float>(), src->as<float>(), src->shape[0], src->shape[1]);
          }};
}

Step step_of(StepBuilder& b, const Concat&) {
  const Buffer* dst = b.output();
  Actions copies;
  std::int64_t channel = 0;
  for (std::size_t i = 0; i < b.node.inputs.size(); ++i) {
    const Buffer* src = b.input(i);
    const bool in_place = src->block == dst->block;
    if (!in_place)
      copies.push_back([src, dst, channel] {
        kernels::Nhwc slice = view_of(*dst);
        slice.data += static_cast<std::size_t>(channel) * size_of(dst->dtype);
        slice.c = src->channels();
        kernels::copy_pixels(slice, view_of(*src));
      });
    channel += src->channels();
  }
  return {{}, [copies] {
            for (const auto& copy : copies) copy();
          }};
}

Step step_of(StepBuilder& b, const Upsample& op) {
  Actions before;
  const Buffer *src = b.input(0), *dst = b.output();
  const Buffer* scratch = b.scratch(kernels::upsample_scratch_bytes(op.output.w, src->channels()));
  const kernels::UpsampleParams params{op.align_corners, op.edge == EdgeMode::zero};
  return {{},
          [src, dst, params, scratch] { kernels::upsample(view_of(*dst), view_of(*src), params, bytes_of(*scratch)); }};
}

}  // namespace giemsa::cpu
