// From logits to a mask.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Classes as bits: bit c stands for class c.
using ClassSet = std::uint64_t;
constexpr ClassSet all_but_class_0 = ~ClassSet{1};

/// Logits {1,C,h,w} -> mask u8 {1,1,h,w}: 1 where the probability of being one of `cells` exceeds `threshold`
/// (C = 1: sigmoid of the only logit, whatever `cells` is; C = 2 and threshold 0.5: argmax).
struct Threshold {
  float threshold = 0.5f;
  ClassSet cells = all_but_class_0;

  static constexpr std::string_view name = "threshold";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 4);
    check.arity(1);
    return check.mask(in, {in[2], in[3]}, threshold, cells);
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {.reads = StorageRule::Reads::fp32}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

/// Upsample (edge clamped) and Threshold in one pass; the upsampled logits are never written.
struct UpsampleThreshold {
  Size2 output;
  bool align_corners = false;
  float threshold = 0.5f;
  ClassSet cells = all_but_class_0;

  static constexpr std::string_view name = "upsample_threshold";
  std::string text() const { return align_corners ? " align_corners" : ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 4);
    check.arity(1);
    return check.mask(in, output, threshold, cells);
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {.reads = StorageRule::Reads::fp32}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

}  // namespace giemsa
