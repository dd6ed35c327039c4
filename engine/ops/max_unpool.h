// Max pooling that remembers where each maximum stood, and the unpooling that puts values back there (SegNet).
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// torch.nn.MaxPool2d(return_indices=True), without padding: {N,C,H,W} -> maxima {N,C,H',W'} and taps u8 {N,H',W',C}. A
/// tap is the maximum's place in its window, ky * kernel.w + kx; of equal elements the first in raster order counts, of
/// NaNs the last. As a place in the window it has one byte where PyTorch's index into the plane has eight.
struct MaxPoolIndices {
  Size2 kernel{2, 2}, stride{2, 2};

  static constexpr std::string_view name = "max_pool_indices";
  std::string text() const { return ' ' + window_text(kernel, stride, {0, 0}); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 4);
    check.arity(1);
    check.require(kernel.h > 0 && kernel.w > 0 && stride.h > 0 && stride.w > 0, "kernel and stride must be positive");
    check.require(kernel.h * kernel.w <= 256, "a window of ", kernel.h * kernel.w, " places does not fit a byte");
    const std::int64_t h = check.pool_window(in[2], kernel.h, stride.h, 0, false);
    const std::int64_t w = check.pool_window(in[3], kernel.w, stride.w, 0, false);
    return {{DType::f32, {in[0], in[1], h, w}}, {DType::u8, {in[0], h, w, in[1]}}};
  }
  double flops(const Signature& types) const { return types.out_volume() * static_cast<double>(kernel.h * kernel.w); }
  bool non_negative(bool inputs_are) const { return inputs_are; }
  StorageRule storage(const Signature&) const {
    return {.result = StorageRule::Result::as_input, .eight_bits = StorageRule::EightBits::keeps};
  }
  void to_onnx(OnnxForm& form) const {
    form.refuse(
        "max pooling with indices has no ONNX twin that runtimes agree on: its indices span the whole batch there");
  }
};

/// torch.nn.MaxUnpool2d: values {N,C,h,w} and the taps of their pooling, u8 {N,h,w,C} -> {N,C,output}: each value at
/// its tap, zeros elsewhere. Windows do not overlap, so that no two values meet; `output` is the pooled map's size
/// before pooling, of which rows and columns that no window covered are zero.
struct MaxUnpool {
  Size2 kernel{2, 2}, stride{2, 2};
  Size2 output;

  static constexpr std::string_view name = "max_unpool";
  std::string text() const { return ' ' + window_text(kernel, stride, {0, 0}); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 4);
    check.arity(2);
    check.require(kernel.h > 0 && kernel.w > 0 && stride.h >= kernel.h && stride.w >= kernel.w,
                  "windows overlap: a stride of ", size_text(stride), " is below the kernel of ", size_text(kernel));
    const TensorType& taps = check.inputs()[1];
    const TensorType expected{DType::u8, {in[0], in[2], in[3], in[1]}};
    check.require(taps == expected, "taps must be uint8 ", expected.shape, ", are ", taps.dtype, " ", taps.shape);
    check.positive(output);
    check.require(check.pool_window(output.h, kernel.h, stride.h, 0, false) == in[2] &&
                      check.pool_window(output.w, kernel.w, stride.w, 0, false) == in[3],
                  "an output of ", size_text(output), " does not pool to ", in[2], 'x', in[3]);
    return {{DType::f32, {in[0], in[1], output.h, output.w}}};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool inputs_are) const { return inputs_are; }
  StorageRule storage(const Signature&) const {
    return {.result = StorageRule::Result::as_input, .eight_bits = StorageRule::EightBits::keeps};
  }
  void to_onnx(OnnxForm& form) const {
    form.refuse("max unpooling has no ONNX twin that runtimes agree on: its indices span the whole batch there");
  }
};

}  // namespace giemsa
