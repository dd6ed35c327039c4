// Linear on the CPU: integers where the input is in 8 bits, else fp32, or bf16 where the network computes in that.
#include <memory>

#include "engine/cpu/linear.h"
#include "engine/cpu/linear_dot.h"
#include "engine/cpu/linear_integer.h"
#include "engine/cpu/session.h"

namespace giemsa::cpu {

namespace {

Step integer_step(StepBuilder& builder) {
  const auto& op = std::get<Linear>(builder.node.op);
  const Value *src = builder.input(0), *dst = builder.output();
  const Value* scratch = builder.scratch(linear_integer_scratch_bytes(src->shape[0], src->shape[1]));
  return {{}, [src, dst, op, scratch, weights = builder.context.weights.linear(builder.node, src->scale, dst->scale)] {
            const IntegerLinearArgs args{src->shape[0],
                                         src->shape[1],
                                         op.out_features,
                                         src->as<std::uint8_t>(),
                                         weights->weight.as<std::int8_t>().data(),
                                         weights->scale.data(),
                                         weights->bias.data(),
                                         op.activation};
            if (is_8bit(dst->dtype))
              linear_integer(args, dst->as<std::uint8_t>(), bytes_of(*scratch));
            else
              linear_integer(args, dst->as<float>(), bytes_of(*scratch));
          }};
}

Step floating_step(StepBuilder& builder) {
  const auto& op = std::get<Linear>(builder.node.op);
  const Tensor& stored = builder.node.weights.weight;
  const Tensor weight = stored.dtype() == DType::f16 ? to_f32(stored) : stored;
  const Tensor scale = stored.dtype() == DType::i8 ? to_f32(builder.node.weights.scale) : Tensor();
  auto bias = builder.context.weights.bias(builder.node, op.out_features);
  const bool dots = builder.context.precision == DType::bf16 && has_linear_dot();
  const Value *src = builder.input(0), *dst = builder.output();
  const Value* rounded = dots ? builder.scratch(linear_dot_scratch_bytes(src->shape[0], src->shape[1])) : nullptr;
  return {{}, [src, dst, op, weight, scale, bias, rounded] {
            const LinearArgs args{src->shape[0],
                                  src->shape[1],
                                  op.out_features,
                                  src->as<float>(),
                                  scale ? scale.as<float>().data() : nullptr,
                                  bias->data(),
                                  op.activation,
                                  dst->as<float>()};
            switch (weight.dtype()) {
              case DType::i8: {
                const std::int8_t* w = weight.as<std::int8_t>().data();
                return rounded ? linear_dot_int8(args, w, bytes_of(*rounded)) : linear_int8(args, w);
              }
              case DType::bf16: {
                const std::uint16_t* w = weight.as<std::uint16_t>().data();
                return rounded ? linear_dot_bf16(args, w, bytes_of(*rounded)) : linear_bf16(args, w);
              }
              default: {
                const float* w = weight.as<float>().data();
                return rounded ? linear_dot_f32(args, w, bytes_of(*rounded)) : linear_f32(args, w);
              }
            }
          }};
}

}  // namespace

Step linear_step(StepBuilder& builder) {
  return is_8bit(builder.input(0)->dtype) ? integer_step(builder) : floating_step(builder);
}

}  // namespace giemsa::cpu
