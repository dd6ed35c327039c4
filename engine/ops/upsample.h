// Bilinear interpolation.
#pragma once

#include <cmath>
#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Bilinear interpolation to `output`, as torch.nn.functional.interpolate. From 1x1 it is a broadcast.
struct Upsample {
  Size2 output;
  bool align_corners = false;
  EdgeMode edge = EdgeMode::clamp;

  static constexpr std::string_view name = "upsample";
  std::string text() const { return align_corners ? " align_corners" : ""; }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 4);
    check.arity(1);
    check.positive(output);
    check.require(edge == EdgeMode::clamp || !align_corners, "a zero edge goes with align_corners = false");
    return {{DType::f32, {in[0], in[1], output.h, output.w}}};
  }
  double flops(const Signature& types) const { return types.out_volume() * 7; }
  bool non_negative(bool inputs_are) const { return inputs_are; }
  StorageRule storage(const Signature&) const {
    return {.result = StorageRule::Result::as_input,
            .eight_bits = StorageRule::EightBits::quantizes,
            .reads = StorageRule::Reads::like_result};
  }
  void to_onnx(OnnxForm& form) const;
};

/// {channels,1,k,k}: bilinear interpolation by a whole factor as a transposed convolution, k = 2 factor or one less.
inline Tensor interpolation_kernel(std::int64_t channels, Size2 factor, Size2 kernel) {
  const auto along = [](std::int64_t at, std::int64_t step, std::int64_t extent) {
    const float centre = static_cast<float>(extent - 1) / 2;
    return 1 - std::abs(static_cast<float>(at) - centre) / static_cast<float>(step);
  };
  std::vector<float> values;
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t y = 0; y < kernel.h; ++y)
      for (std::int64_t x = 0; x < kernel.w; ++x)
        values.push_back(along(y, factor.h, kernel.h) * along(x, factor.w, kernel.w));
  return Tensor::from(Shape{channels, 1, kernel.h, kernel.w}, std::move(values));
}

/// MATLAB's fixed deconvolution, which is what a zero edge means.
inline void to_onnx_as_deconvolution(const Upsample& op, OnnxForm& form) {
  const Shape in = form.signature().in();
  if (op.output.h % in[2] != 0 || op.output.w % in[3] != 0) form.refuse("a fixed upsampling by a fraction");
  const Size2 factor{op.output.h / in[2], op.output.w / in[3]};
  const Size2 kernel{2 * factor.h - factor.h % 2, 2 * factor.w - factor.w % 2};
  const Size2 padding{(kernel.h - factor.h) / 2, (kernel.w - factor.w) / 2};
  form.result(
      "ConvTranspose", {form.inputs()[0], form.constant("interpolation", interpolation_kernel(in[1], factor, kernel))},
      {onnx_pair("kernel_shape", kernel), onnx_pair("strides", factor), {"group", in[1]}, onnx_pads(padding, padding)});
}

inline void Upsample::to_onnx(OnnxForm& form) const {
  const Shape in = form.signature().in();
  if (edge == EdgeMode::zero && !align_corners) return to_onnx_as_deconvolution(*this, form);
  const OnnxForm::Attributes how{
      {"mode", std::string_view("linear")},
      {"coordinate_transformation_mode", std::string_view(align_corners ? "align_corners" : "half_pixel")}};
  const std::string& x = form.inputs()[0];
  if (output.h % in[2] == 0 && output.w % in[3] == 0) {
    const std::vector<float> scales{1, 1, static_cast<float>(output.h / in[2]), static_cast<float>(output.w / in[3])};
    return form.result("Resize", {x, "", form.constant("scales", Tensor::from(Shape{4}, scales))}, how);
  }
  // A factor that is no whole number would round: the size says it exactly, but has to name the batch too.
  const auto integers = [](std::vector<std::int64_t> values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return Tensor::from(DType::i64, Shape{count}, std::move(values));
  };
  const std::string shape = form.step("Shape", "shape", {x});
  const std::string batch =
      form.step("Slice", "batch", {shape, form.constant("begin", integers({0})), form.constant("end", integers({1}))});
  const std::string size =
      form.step("Concat", "size", {batch, form.constant("extents", integers({in[1], output.h, output.w}))},
                {{"axis", std::int64_t{0}}});
  form.result("Resize", {x, "", "", size}, how);
}

}  // namespace giemsa
