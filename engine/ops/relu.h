// The rectifier, and ReLU6.
#pragma once

#include <cmath>
#include <limits>

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// min(max(x, 0), ceiling), of any type. A NaN stays NaN.
struct Relu {
  float ceiling = std::numeric_limits<float>::infinity();  ///< 6 of ReLU6

  static constexpr std::string_view name = "relu";
  std::string text() const { return std::isinf(ceiling) ? "" : cat(" to ", ceiling); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.arity(1);
    check.require(ceiling > 0, "a rectifier's ceiling must be positive");
    return {check.inputs()[0]};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return true; }
  StorageRule storage(const Signature&) const { return {.result = StorageRule::Result::as_input}; }
  void to_onnx(OnnxForm& form) const {
    if (std::isinf(ceiling)) return form.becomes("Relu");
    const auto scalar = [](float value) { return Tensor::from(Shape{}, std::vector{value}); };
    form.result("Clip", {form.inputs()[0], form.constant("least", scalar(0)), form.constant("most", scalar(ceiling))});
  }
};

}  // namespace giemsa
