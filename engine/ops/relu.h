// The rectifier.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// max(x, 0), of any type. A NaN stays NaN.
struct Relu {
  static constexpr std::string_view name = "relu";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.arity(1);
    return {check.inputs()[0]};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return true; }
  StorageRule storage(const Signature&) const { return {.result = StorageRule::Result::as_input}; }
  void to_onnx(OnnxForm& form) const { form.becomes("Relu"); }
};

}  // namespace giemsa
