// Batch normalisation.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Inference-time batch normalisation over channels: weight * (x - mean) / sqrt(var + eps) + bias.
struct BatchNorm {
  float eps = 1e-5f;

  static constexpr std::string_view name = "batch_norm";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 4);
    check.arity(1);
    check.require(eps > 0, "eps must be positive, is ", eps);
    check.expect_weight("weight", check.weights().weight, {in[1]});
    check.expect_weight("bias", check.weights().bias, {in[1]});
    check.expect_weight("running_mean", check.weights().running_mean, {in[1]});
    check.expect_weight("running_var", check.weights().running_var, {in[1]});
    return {{DType::f32, in}};
  }
  double flops(const Signature& types) const { return types.out_volume() * 2; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {.result = StorageRule::Result::as_input}; }
  /// Batch norms stay nodes of their own: a reader sees the layers of the checkpoint, and every runtime folds them.
  void to_onnx(OnnxForm& form) const {
    const Weights& w = form.weights();
    form.result(
        "BatchNormalization",
        {form.inputs()[0], form.constant("weight", to_f32(w.weight)), form.constant("bias", to_f32(w.bias)),
         form.constant("running_mean", to_f32(w.running_mean)), form.constant("running_var", to_f32(w.running_var))},
        {{"epsilon", eps}});
  }
};

}  // namespace giemsa
