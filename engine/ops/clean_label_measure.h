// The post-processing of a mask as one op: made by a pass.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// FillHoles, AreaOpen, Components and, where `capacity` is given, Regions: mask u8 {1,1,H,W} -> labels i32 {1,1,H,W}
/// and region table i32 {1 + capacity, 10}.
struct CleanLabelMeasure {
  std::int64_t min_area = 200;
  std::optional<std::int64_t> capacity;

  static constexpr std::string_view name = "clean_label_measure";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.require(min_area >= 0, "min_area must not be negative, is ", min_area);
    std::vector<TensorType> outputs{check.plane(DType::u8, DType::i32)};
    if (!capacity) return outputs;
    check.require(*capacity >= 0, "capacity must not be negative");
    outputs.push_back({DType::i32, {1 + *capacity, 10}});
    return outputs;
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

}  // namespace giemsa
