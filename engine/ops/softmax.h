// Probabilities from logits.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Softmax over axis 1 of {N,K}. Read and written in fp32.
struct Softmax {
  static constexpr std::string_view name = "softmax";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 2);
    check.arity(1);
    return {{DType::f32, in}};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return true; }
  StorageRule storage(const Signature&) const { return {.reads = StorageRule::Reads::fp32}; }
  void to_onnx(OnnxForm& form) const { form.becomes("Softmax", {{"axis", std::int64_t{1}}}); }
};

}  // namespace giemsa
