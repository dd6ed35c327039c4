// From boxes in a frame to a network's inputs.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Frame u8 {1,H,W,3} and boxes i32 {B,4} (x, y, w, h) -> {B,3,h,w}: crop, resize, reorder the colours,
/// (x / 255 - mean) / std.
struct CropResize {
  Size2 output;
  CropMode mode = CropMode::tight;
  ResizeFilter filter = ResizeFilter::bilinear;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f};  ///< of the result's channels
  ChannelOrder channels = ChannelOrder::rgb;                                       ///< of the result

  static constexpr std::string_view name = "crop_resize";
  std::string text() const { return ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.frame(0);
    check.arity(2);
    const TensorType& boxes = check.inputs()[1];
    check.require(boxes.dtype == DType::i32 && boxes.shape.rank() == 2 && boxes.shape[1] == 4,
                  "boxes must be int32 {B,4}, are ", boxes.dtype, " ", boxes.shape);
    check.positive(output);
    return {{DType::f32, {boxes.shape[0], 3, output.h, output.w}}};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const {
    return {.result = StorageRule::Result::source, .eight_bits = StorageRule::EightBits::quantizes};
  }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

}  // namespace giemsa
