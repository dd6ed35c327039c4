// Feature maps side by side.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Joins {N,C1,H,W}, {N,C2,H,W}, ... along channels.
struct Concat {
  static constexpr std::string_view name = "concat";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.require(!check.inputs().empty(), "nothing to concatenate");
    const Shape& first = check.network_tensor(0, 4);
    std::int64_t channels = 0;
    for (std::size_t i = 0; i < check.inputs().size(); ++i) {
      const Shape& in = check.network_tensor(i, 4);
      check.require(in[0] == first[0] && in[2] == first[2] && in[3] == first[3], "cannot concatenate ", first, " and ",
                    in, " along channels");
      channels += in[1];
    }
    return {{DType::f32, {first[0], channels, first[2], first[3]}}};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool inputs_are) const { return inputs_are; }
  StorageRule storage(const Signature&) const {
    return {.result = StorageRule::Result::precision, .eight_bits = StorageRule::EightBits::quantizes};
  }
  void to_onnx(OnnxForm& form) const { form.becomes("Concat", {{"axis", std::int64_t{1}}}); }
};

}  // namespace giemsa
