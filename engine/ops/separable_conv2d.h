// A depthwise and the pointwise convolution that reads it, as one op: made by the CUDA backend's passes.
#pragma once

#include "engine/ops/conv2d.h"
#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// {N,C,H,W} -> {N,out_channels,H',W'}: weights[0] are the depthwise convolution's, weights[1] the pointwise one's.
/// What lies between the two is never written.
struct SeparableConv2d {
  Conv2d depthwise, pointwise;
  int siblings = 1;  ///< depthwise convolutions of the same input, this one included: three in ASPP

  static constexpr std::string_view name = "separable_conv2d";
  std::string text() const { return cat(depthwise.text(), " &", pointwise.text()); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const ShapeCheck first = check.layer(0), second = check.layer(1);
    const std::vector<TensorType> between = depthwise.infer(first);
    return pointwise.infer(second.with_inputs(between));
  }
  double flops(const Signature& types) const {
    const TensorType between{DType::f32, {types.out()[0], types.in()[1], types.out()[2], types.out()[3]}};
    return depthwise.flops({types.inputs, {&between, 1}}) + pointwise.flops({{&between, 1}, types.outputs});
  }
  bool non_negative(bool) const { return pointwise.activation != Activation::none; }
  StorageRule storage(const Signature&) const { return {.result = StorageRule::Result::product}; }
  void to_onnx(OnnxForm& form) const { form.refuse_fused("separable convolution"); }
};

}  // namespace giemsa
