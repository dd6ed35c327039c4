// Element-wise sum.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Element-wise sum of two equal shapes.
struct Add {
  Activation activation = Activation::none;

  static constexpr std::string_view name = "add";
  std::string text() const { return activation_text(activation); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.arity(2);
    check.require(activation != Activation::relu6, "a sum has no ReLU6");
    const auto inputs = check.inputs();
    check.require(inputs[0] == inputs[1], "cannot add ", inputs[0].shape, " and ", inputs[1].shape);
    return {inputs[0]};
  }
  double flops(const Signature& types) const { return types.out_volume(); }
  bool non_negative(bool) const { return activation == Activation::relu; }
  StorageRule storage(const Signature&) const { return {.result = StorageRule::Result::precision}; }
  void to_onnx(OnnxForm& form) const {
    if (activation != Activation::none) form.refuse_fused("sum");
    form.becomes("Add");
  }
};

}  // namespace giemsa
