// Maximum over windows.
#pragma once

#include <algorithm>
#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// torch.nn.MaxPool2d: {N,C,H,W} -> {N,C,H',W'}, padded with -inf.
struct MaxPool {
  Size2 kernel, stride, padding{0, 0};
  bool ceil_mode = false;

  static constexpr std::string_view name = "max_pool";
  std::string text() const { return ' ' + window_text(kernel, stride, padding); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 4);
    check.arity(1);
    check.require(kernel.h > 0 && kernel.w > 0 && stride.h > 0 && stride.w > 0, "kernel and stride must be positive");
    check.require(padding.h * 2 <= kernel.h && padding.w * 2 <= kernel.w, "padding exceeds half the kernel");
    return {{DType::f32,
             {in[0], in[1], check.pool_window(in[2], kernel.h, stride.h, padding.h, ceil_mode),
              check.pool_window(in[3], kernel.w, stride.w, padding.w, ceil_mode)}}};
  }
  double flops(const Signature& types) const { return types.out_volume() * static_cast<double>(kernel.h * kernel.w); }
  bool non_negative(bool inputs_are) const { return inputs_are; }
  StorageRule storage(const Signature&) const {
    return {.result = StorageRule::Result::as_input, .eight_bits = StorageRule::EightBits::keeps};
  }
  /// The windows that ceil_mode adds are spelled out as padding (which is -inf here as there): runtimes do not agree on
  /// ceil_mode.
  void to_onnx(OnnxForm& form) const {
    const auto behind = [](std::int64_t in, std::int64_t out, std::int64_t window, std::int64_t step,
                           std::int64_t front) { return std::max(front, (out - 1) * step + window - in - front); };
    const Shape in = form.signature().in(), out = form.signature().out();
    const Size2 end{behind(in[2], out[2], kernel.h, stride.h, padding.h),
                    behind(in[3], out[3], kernel.w, stride.w, padding.w)};
    form.becomes("MaxPool", {onnx_pair("kernel_shape", kernel), onnx_pair("strides", stride), onnx_pads(padding, end)});
  }
};

}  // namespace giemsa
