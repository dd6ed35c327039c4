// A value given from outside.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

struct Input {
  static constexpr std::string_view name = "input";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const { check.reject("an input is not added as an op"); }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const {
    return {.result = StorageRule::Result::source, .eight_bits = StorageRule::EightBits::quantizes};
  }
  void to_onnx(OnnxForm& form) const { form.declare_input(); }
};

}  // namespace giemsa
