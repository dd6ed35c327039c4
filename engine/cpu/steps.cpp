// The layers of networks on the CPU, but for Conv2d (steps_convolution.cpp) and Linear (steps_linear.cpp).
#include <memory>

#include "engine/cpu/elementwise.h"
#include "engine/cpu/lrn.h"
#include "engine/cpu/pool.h"
#include "engine/cpu/session.h"
#include "engine/cpu/upsample.h"

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
    affine_pixels(view_of(*dst), view_of(*src), affine->scale.data(), affine->shift.data());
  });
}

Step step_of(StepBuilder& b, const Relu&) {
  if (b.output()->shape.rank() != 4)
    return {{}, [src = b.input(0), dst = b.output()] { relu_pixels(view_of(*dst), view_of(*src)); }};
  Actions before;
  const Buffer* src = b.stored_as(b.output()->dtype, b.input(0), before);
  return sequence(before, [src, dst = b.output()] { relu_pixels(view_of(*dst), view_of(*src)); });
}

Step step_of(StepBuilder& b, const Add& op) {
  Actions before;
  const Buffer* dst = b.output();
  const Buffer* x = b.stored_as(dst->dtype, b.input(0), before);
  const Buffer* y = b.stored_as(dst->dtype, b.input(1), before);
  return sequence(before, [x, y, dst, op] { add_pixels(view_of(*dst), view_of(*x), view_of(*y), op.activation); });
}

Step step_of(StepBuilder& b, const MaxPool& op) {
  return {{}, [src = b.input(0), dst = b.output(), op] { max_pool(view_of(*dst), view_of(*src), op); }};
}

Step step_of(StepBuilder& b, const AdaptiveAvgPool&) {
  const Buffer *src = b.input(0), *dst = b.output();
  const Buffer* sums = b.scratch(adaptive_avg_pool_scratch(src->shape, dst->shape) * sizeof(float));
  return {{}, [src, dst, sums] { adaptive_avg_pool(view_of(*dst), view_of(*src), sums->raw<float>()); }};
}

Step step_of(StepBuilder& b, const Lrn& op) {
  Actions before;
  const Buffer* src = b.dense(b.stored_as(DType::f32, b.input(0), before), before);
  const Buffer* result = b.dense_fp32_result();
  before.push_back([src, result, op] {
    lrn(op, src->as<float>(), src->shape[0], src->shape[2] * src->shape[3], {1, src->channels()}, result->as<float>());
  });
  return b.deliver(std::move(before), result);
}

Step step_of(StepBuilder& b, const Flatten&) {
  const Buffer *src = b.input(0), *dst = b.output();
  if (is_8bit(dst->dtype)) return {{}, [src, dst] { flatten(dst->as<std::uint8_t>(), dst->scale, view_of(*src)); }};
  return {{}, [src, dst] { export_nchw(dst->as<float>(), view_of(*src)); }};
}

Step step_of(StepBuilder& b, const Softmax&) {
  return {{}, [src = b.input(0), dst = b.output()] {
            softmax_rows(dst->as<float>(), src->as<float>(), src->shape[0], src->shape[1]);
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
        Nhwc slice = view_of(*dst);
        slice.data += static_cast<std::size_t>(channel) * size_of(dst->dtype);
        slice.c = src->channels();
        copy_pixels(slice, view_of(*src));
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
  const Buffer* scratch = b.scratch(upsample_scratch_bytes(op, {src->shape[0], src->channels()}));
  return {{}, [src, dst, op, scratch] { upsample(op, view_of(*dst), view_of(*src), bytes_of(*scratch)); }};
}

}  // namespace giemsa::cpu
