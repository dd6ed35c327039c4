// Masks without holes and without specks.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Mask -> mask: background that no 4-connected path joins to the image edge becomes foreground (imfill 'holes').
struct FillHoles {
  static constexpr std::string_view name = "fill_holes";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const { return {check.plane(DType::u8, DType::u8)}; }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

/// Mask -> mask: 8-connected components of fewer than `min_area` pixels vanish (bwareaopen).
struct AreaOpen {
  std::int64_t min_area = 200;

  static constexpr std::string_view name = "area_open";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.require(min_area >= 0, "min_area must not be negative, is ", min_area);
    return {check.plane(DType::u8, DType::u8)};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

}  // namespace giemsa
