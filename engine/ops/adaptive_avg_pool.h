// Mean over windows that cover the input.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// torch.nn.AdaptiveAvgPool2d: output cell i averages rows floor(i*H/h) .. ceil((i+1)*H/h). {1,1} is global average
/// pooling.
struct AdaptiveAvgPool {
  Size2 output{1, 1};

  static constexpr std::string_view name = "adaptive_avg_pool";
  std::string text() const { return ' ' + size_text(output); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const Shape& in = check.network_tensor(0, 4);
    check.arity(1);
    check.positive(output);
    return {{DType::f32, {in[0], in[1], output.h, output.w}}};
  }
  double flops(const Signature& types) const { return static_cast<double>(types.in().volume()); }
  bool non_negative(bool inputs_are) const { return inputs_are; }
  /// A pool of windows of one pixel copies.
  StorageRule storage(const Signature& types) const {
    const bool copies = types.in() == types.out();
    return {.result = StorageRule::Result::as_input,
            .eight_bits = copies ? StorageRule::EightBits::keeps : StorageRule::EightBits::no};
  }
  void to_onnx(OnnxForm& form) const;
};

/// Row i of {out,in}: the weights of adaptive average pooling's cell i along one axis.
inline Tensor averaging_matrix(std::int64_t in, std::int64_t out, bool transposed) {
  std::vector<float> values(static_cast<std::size_t>(in * out), 0.0f);
  for (std::int64_t i = 0; i < out; ++i) {
    const std::int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    for (std::int64_t j = begin; j < end; ++j)
      values[static_cast<std::size_t>(transposed ? j * out + i : i * in + j)] = 1.0f / static_cast<float>(end - begin);
  }
  return Tensor::from(transposed ? Shape{in, out} : Shape{out, in}, std::move(values));
}

/// Windows of equal size are AveragePool's; others are a product with averaging weights along each axis.
inline void AdaptiveAvgPool::to_onnx(OnnxForm& form) const {
  const Size2 in{form.signature().in()[2], form.signature().in()[3]};
  if (output == Size2{1, 1}) return form.becomes("GlobalAveragePool");
  if (output == in) return form.becomes("Identity");
  if (in.h % output.h == 0 && in.w % output.w == 0) {
    const Size2 window{in.h / output.h, in.w / output.w};
    return form.becomes("AveragePool", {onnx_pair("kernel_shape", window), onnx_pair("strides", window)});
  }
  const std::string rows = form.step(
      "MatMul", "rows", {form.constant("row_averages", averaging_matrix(in.h, output.h, false)), form.inputs()[0]});
  form.result("MatMul", {rows, form.constant("column_averages", averaging_matrix(in.w, output.w, true))}, {});
}

}  // namespace giemsa
