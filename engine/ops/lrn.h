// Local response normalisation.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Across channels: x / (k + alpha/size * sum of squares)^beta, zero outside.
struct Lrn {
  std::int64_t size = 5;
  float alpha = 1e-4f, beta = 0.75f, k = 1.0f;

  static constexpr std::string_view name = "lrn";
  std::string text() const { return cat(' ', size); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 4);
    check.arity(1);
    check.require(size > 0 && size % 2 == 1, "size must be odd, is ", size);
    return {{DType::f32, in}};
  }
  double flops(const Signature& types) const { return types.out_volume() * static_cast<double>(2 * size); }
  bool non_negative(bool inputs_are) const { return inputs_are; }
  StorageRule storage(const Signature&) const {
    return {.result = StorageRule::Result::as_input, .eight_bits = StorageRule::EightBits::quantizes};
  }
  void to_onnx(OnnxForm& form) const {
    form.becomes("LRN", {{"size", size}, {"alpha", alpha}, {"beta", beta}, {"bias", k}});
  }
};

}  // namespace giemsa
