// From a feature map to rows.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// {N,C,H,W} -> {N,C*H*W}, in C, H, W order.
struct Flatten {
  static constexpr std::string_view name = "flatten";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 4);
    check.arity(1);
    return {{DType::f32, {in[0], in[1] * in[2] * in[3]}}};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool inputs_are) const { return inputs_are; }
  StorageRule storage(const Signature&) const {
    return {.result = StorageRule::Result::as_input,
            .eight_bits = StorageRule::EightBits::keeps_or_quantizes,
            .reads = StorageRule::Reads::rows_of_result};
  }
  void to_onnx(OnnxForm& form) const { form.becomes("Flatten", {{"axis", std::int64_t{1}}}); }
};

}  // namespace giemsa
