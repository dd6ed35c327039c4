// A fully connected layer.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// The longest row that a fully connected layer multiplies in 8 bits: 2^16 products of 255 and -128 stay above -2^31.
inline constexpr std::int64_t longest_integer_row = std::int64_t{1} << 16;

/// {N,K} -> {N,out_features}; the weight is {out_features,K}, floating or int8 with one scale per output feature.
struct Linear {
  std::int64_t out_features = 0;
  Activation activation = Activation::none;

  static constexpr std::string_view name = "linear";
  std::string text() const { return activation_text(activation); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 2);
    check.arity(1);
    check.require(out_features > 0, "out_features must be positive");
    check.require(activation != Activation::relu6, "a fully connected layer has no ReLU6");
    const Weights& w = check.weights();
    check.expect_weight("weight", w.weight, {out_features, in[1]});
    if (w.bias) check.expect_weight("bias", w.bias, {out_features});
    if (w.weight.dtype() == DType::i8) check.expect_weight("weight_scale", w.scale, {out_features});
    return {{DType::f32, {in[0], out_features}}};
  }
  double flops(const Signature& types) const { return types.out_volume() * 2 * static_cast<double>(types.in()[1]); }
  bool non_negative(bool) const { return activation == Activation::relu; }
  /// Hidden layers, which end in a ReLU, may multiply 8 bits; logits are made of what was not rounded.
  StorageRule storage(const Signature& types) const {
    return {.result = StorageRule::Result::product,
            .eight_bits = StorageRule::EightBits::sums_integers,
            .multiplies_8_bits = activation == Activation::relu && types.in()[1] <= longest_integer_row};
  }
  void to_onnx(OnnxForm& form) const {
    if (activation != Activation::none) form.refuse_fused("layer");
    const Weights& w = form.weights();
    form.result("Gemm", {form.inputs()[0], form.constant("weight", widened(w)), form.constant("bias", to_f32(w.bias))},
                {{"transB", std::int64_t{1}}});
  }
};

}  // namespace giemsa
