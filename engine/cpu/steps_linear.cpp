// Linear on the CPU: integers where the input is in 8 bits, else fp32, or bf16 where the network computes in that.
#include <memory>

#include "engine/cpu/session.h"
#include "kernels/cpu/matmul/linear.h"
#include "kernels/cpu/matmul/linear_dot.h"
#include "kernels/cpu/matmul/linear_integer.h"

namespace giemsa::cpu {

namespace {

static_assert(longest_integer_row == kernels::longest_integer_row);

Step integer_step(StepBuilder& builder, const Linear& op) {
  const Buffer *src = builder.input(0), *dst = builder.output();
  const Buffer* scratch = builder.scratch(kernels::linear_integer_scratch_bytes(src->shape[0], src->shape[1]));
  return {{},
          [src, dst, op, scratch,
           weights = builder.context.weights.linear(builder.node.weights[0], src->scale, dst->scale)] {
            const kernels::IntegerLinearParams params{src->shape[0],
                                                      src->shape[1],
                                                      op.out_features,
                                                      src->as<std::uint8_t>(),
                                                      weights->weight.as<std::int8_t>().data(),
                                                      weights->scale.data(),
                                                      weights->bias.data(),
                                                      op.activation == Activation::relu};
            if (is_8bit(dst->dtype))
              kernels::linear_integer(params, dst->as<std::uint8_t>(), bytes_of(*scratch));
            else
              kernels::linear_integer(params, dst->as<float>(), bytes_of(*scratch));
          }};
}

Step floating_step(StepBuilder& builder, const Linear& op) {
  const Tensor& stored = builder.node.weights[0].weight;
  const Tensor weight = stored.dtype() == DType::f16 ? to_f32(stored) : stored;
  const Tensor scale = stored.dtype() == DType::i8 ? to_f32(builder.node.weights[0].scale) : Tensor();
  auto bias = builder.context.weights.bias(builder.node.weights[0], op.out_features);
  const bool dots = builder.context.precision == DType::bf16 && kernels::has_linear_dot();
  const Buffer *src = builder.input(0), *dst = builder.output();
  const std::int64_t samples = src->shape[0], in = src->shape[1];
  const Buffer* scratch = builder.scratch(dots ? kernels::linear_dot_scratch_bytes(samples, in)
                                               : kernels::linear_scratch_bytes(samples, in));
  return {{}, [src, dst, op, weight, scale, bias, dots, scratch] {
            const kernels::LinearParams params{src->shape[0],
                                               src->shape[1],
                                               op.out_features,
                                               src->as<float>(),
                                               scale ? scale.as<float>().data() : nullptr,
                                               bias->data(),
                                               op.activation == Activation::relu,
                                               dst->as<float>()};
            switch (weight.dtype()) {
              case DType::i8:
                return (dots ? kernels::linear_dot_int8 : kernels::linear_int8)(params, weight.as<std::int8_t>().data(),
                                                                                bytes_of(*scratch));
              case DType::bf16:
                return (dots ? kernels::linear_dot_bf16 : kernels::linear_bf16)(
                    params, weight.as<std::uint16_t>().data(), bytes_of(*scratch));
              default:
                return (dots ? kernels::linear_dot_f32 : kernels::linear_f32)(params, weight.as<float>().data(),
                                                                              bytes_of(*scratch));
            }
          }};
}

}  // namespace

Step step_of(StepBuilder& builder, const Linear& op) {
  return is_8bit(builder.input(0)->dtype) ? integer_step(builder, op) : floating_step(builder, op);
}

}  // namespace giemsa::cpu
