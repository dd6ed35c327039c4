// Numbered components, and their measures.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Mask u8 {1,1,H,W} -> labels i32 {1,1,H,W}: 8-connected components, 0 background, 1..N in raster order of first
/// pixels.
struct Components {
  static constexpr std::string_view name = "components";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const { return {check.plane(DType::u8, DType::i32)}; }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

/// Labels -> region table i32 {1 + capacity, 10}: see engine/base/region.h.
struct Regions {
  std::int64_t capacity = 0;

  static constexpr std::string_view name = "regions";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.plane(DType::i32, DType::i32);
    check.require(capacity >= 0, "capacity must not be negative");
    return {{DType::i32, {1 + capacity, 10}}};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

/// Labels i32 {1,1,H,W} -> labels of another size: the nearest sample of each pixel's centre.
struct ResizeLabels {
  Size2 output;

  static constexpr std::string_view name = "resize_labels";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.plane(DType::i32, DType::i32);
    check.positive(output);
    return {{DType::i32, {1, 1, output.h, output.w}}};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

}  // namespace giemsa
