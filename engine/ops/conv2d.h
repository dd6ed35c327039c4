// Convolution.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// Cross-correlation as torch.nn.Conv2d: {N,C,H,W} -> {N,out_channels,H',W'}. With `residual`, a second input of the
/// output's shape is added before the activation.
struct Conv2d {
  std::int64_t out_channels = 0;
  Size2 kernel{1, 1}, stride{1, 1}, padding{0, 0}, dilation{1, 1};
  std::int64_t groups = 1;
  bool residual = false;
  Activation activation = Activation::none;

  static constexpr std::string_view name = "conv2d";
  std::string text() const;
  std::vector<TensorType> infer(const ShapeCheck& check) const;
  double flops(const Signature& types) const {
    return types.out_volume() * 2 * static_cast<double>(types.in()[1] / groups * kernel.h * kernel.w);
  }
  bool non_negative(bool) const { return activation != Activation::none; }
  StorageRule storage(const Signature& types) const;
  void to_onnx(OnnxForm& form) const;
};

/// Whether each channel of the convolution has a kernel of its own.
inline bool is_depthwise(const Conv2d& op, std::int64_t in_channels) {
  return op.groups > 1 && op.groups == in_channels && op.out_channels == in_channels;
}

/// Whether the convolution mixes the channels of each pixel and nothing else.
inline bool is_pointwise(const Conv2d& op) {
  return op.kernel == Size2{1, 1} && op.stride == Size2{1, 1} && op.padding == Size2{0, 0} && op.groups == 1;
}

inline std::string Conv2d::text() const {
  std::string text = ' ' + window_text(kernel, stride, padding);
  if (dilation != Size2{1, 1}) text += cat(" d", dilation.h);
  if (groups != 1) text += cat(" g", groups);
  return text + (residual ? " +residual" : "") + activation_text(activation);
}

inline std::vector<TensorType> Conv2d::infer(const ShapeCheck& check) const {
  const Shape& in = check.network_tensor(0, 4);
  check.require(kernel.h > 0 && kernel.w > 0 && stride.h > 0 && stride.w > 0 && dilation.h > 0 && dilation.w > 0 &&
                    padding.h >= 0 && padding.w >= 0 && groups > 0 && out_channels > 0,
                "kernel, stride, dilation, groups and out_channels must be positive");
  check.require(in[1] % groups == 0 && out_channels % groups == 0, in[1], " -> ", out_channels,
                " channels do not divide into ", groups, " groups");
  check.expect_weight("weight", check.weights().weight, {out_channels, in[1] / groups, kernel.h, kernel.w});
  if (check.weights().bias) check.expect_weight("bias", check.weights().bias, {out_channels});
  const Shape out{in[0], out_channels, check.window(in[2], kernel.h, stride.h, padding.h, dilation.h),
                  check.window(in[3], kernel.w, stride.w, padding.w, dilation.w)};
  check.arity(residual ? 2 : 1);
  if (residual) {
    const Shape& added = check.network_tensor(1, 4);
    check.require(added == out, "residual ", added, " does not match the convolution's output ", out);
  }
  return {{DType::f32, out}};
}

inline StorageRule Conv2d::storage(const Signature& types) const {
  const bool depthwise = is_depthwise(*this, types.in()[1]);
  return {.result = depthwise ? StorageRule::Result::depthwise : StorageRule::Result::product,
          .eight_bits = StorageRule::EightBits::sums_integers,
          .rounds_input = !depthwise};
}

inline void Conv2d::to_onnx(OnnxForm& form) const {
  const Weights& weights = form.weights();
  if (weights.norm || residual || activation != Activation::none) form.refuse_fused("convolution");
  std::vector inputs{form.inputs()[0], form.constant("weight", widened(weights))};
  if (weights.bias) inputs.push_back(form.constant("bias", to_f32(weights.bias)));
  form.result("Conv", inputs,
              {onnx_pair("kernel_shape", kernel),
               onnx_pair("strides", stride),
               onnx_pair("dilations", dilation),
               {"group", groups},
               onnx_pads(padding, padding)});
}

}  // namespace giemsa
