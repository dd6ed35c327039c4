// The depthwise convolutions of separable ASPP, as one op: made by the CUDA backend's passes.
#pragma once

#include "engine/ops/conv2d.h"
#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// {N,C,H,W} -> three values of that type, one per rate: depthwise 3x3 convolutions of one input at three dilations,
/// whose padding keeps the size. weights[i] are those of rates[i].
struct AsppDepthwise {
  std::array<std::int64_t, 3> rates{};
  Activation activation = Activation::none;

  static constexpr std::string_view name = "aspp_depthwise";
  std::string text() const {
    return cat(" 3x3 d", rates[0], " d", rates[1], " d", rates[2], activation_text(activation));
  }
  Conv2d branch(std::size_t i, std::int64_t channels) const {
    return {.out_channels = channels,
            .kernel = {3, 3},
            .padding = {rates[i], rates[i]},
            .dilation = {rates[i], rates[i]},
            .groups = channels,
            .activation = activation};
  }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    const std::int64_t channels = check.network_tensor(0, 4)[1];
    check.require(activation != Activation::relu6, "a pyramid has no ReLU6");
    std::vector<TensorType> outputs;
    for (std::size_t i = 0; i < rates.size(); ++i) outputs.push_back(branch(i, channels).infer(check.layer(i)).front());
    return outputs;
  }
  double flops(const Signature& types) const {
    return static_cast<double>(rates.size()) * branch(0, types.in()[1]).flops(types);
  }
  bool non_negative(bool) const { return activation == Activation::relu; }
  StorageRule storage(const Signature&) const { return {.result = StorageRule::Result::depthwise}; }
  void to_onnx(OnnxForm& form) const { form.refuse_fused("pyramid"); }
};

}  // namespace giemsa
