#include "nets/layers.h"

namespace giemsa {

namespace {

bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16 || dtype == DType::f64;
}

}  // namespace

Tensor Layers::fetch(const std::string& name, const Shape& shape) const {
  Tensor tensor = source_(name, shape);
  check(is_floating(tensor.dtype()), ErrorKind::model, "tensor ", name, " holds ", tensor.dtype(),
        ", expected a floating type");
  check(tensor.shape().rank() == shape.rank() && tensor.size() > 0, ErrorKind::model, "tensor ", name, " has shape ",
        tensor.shape(), ", expected something like ", shape);
  return tensor;
}

ValueId Layers::conv2d(const std::string& name, ValueId x, Conv2d op, bool bias) {
  Weights weights;
  weights.weight = fetch(name + ".weight", {op.out_channels, shape(x)[1] / op.groups, op.kernel.h, op.kernel.w});
  op.out_channels = weights.weight.shape()[0];
  if (bias) weights.bias = fetch(name + ".bias", {op.out_channels});
  return graph_.add(name, op, {x}, std::move(weights));
}

ValueId Layers::batch_norm(const std::string& name, ValueId x, float eps) {
  const Shape channels{shape(x)[1]};
  Weights weights;
  weights.weight = fetch(name + ".weight", channels);
  weights.bias = fetch(name + ".bias", channels);
  weights.running_mean = fetch(name + ".running_mean", channels);
  weights.running_var = fetch(name + ".running_var", channels);
  return graph_.add(name, BatchNorm{eps}, {x}, std::move(weights));
}

ValueId Layers::linear(const std::string& name, ValueId x, std::int64_t out_features) {
  const std::string key = name + ".weight";
  Weights weights;
  weights.weight = source_(key, {out_features, shape(x)[1]});
  const bool quantized = weights.weight.dtype() == DType::i8;
  check(quantized || is_floating(weights.weight.dtype()), ErrorKind::model, "tensor ", key, " holds ",
        weights.weight.dtype(), ", expected a floating type or int8");
  check(weights.weight.shape().rank() == 2, ErrorKind::model, "tensor ", key, " has shape ", weights.weight.shape(),
        ", expected something like ", Shape{out_features, shape(x)[1]});
  const Shape rows{weights.weight.shape()[0]};
  weights.bias = fetch(name + ".bias", rows);
  if (quantized) weights.scale = fetch(name + ".weight_scale", rows);
  return graph_.add(name, Linear{.out_features = rows[0]}, {x}, std::move(weights));
}

ValueId Layers::conv_bn(const ConvNames& names, ValueId x, const ConvShape& shape_of_conv, float eps) {
  const auto [out_channels, kernel, stride, dilation, groups, padding] = shape_of_conv;
  const std::int64_t reach = padding.value_or(dilation * (kernel / 2));
  const Conv2d dense{.out_channels = out_channels,
                     .kernel = {kernel, kernel},
                     .stride = {stride, stride},
                     .padding = {reach, reach},
                     .dilation = {dilation, dilation},
                     .groups = groups};
  if (names.depthwise.empty()) {
    x = conv2d(names.conv, x, dense, names.bias);
  } else {
    Conv2d depthwise = dense;
    depthwise.out_channels = depthwise.groups = shape(x)[1];
    x = conv2d(names.depthwise, x, depthwise, false);
    if (!names.depthwise_bn.empty()) {
      x = batch_norm(names.depthwise_bn, x, eps);
      x = add(names.depthwise_bn + ".relu", Relu{}, {x});
    }
    x = conv2d(names.conv, x, {.out_channels = out_channels}, names.bias);
  }
  return batch_norm(names.bn, x, eps);
}

ValueId Layers::conv_bn_relu(const ConvNames& names, ValueId x, const ConvShape& shape_of_conv, float eps, Relu relu) {
  return add(names.bn + ".relu", relu, {conv_bn(names, x, shape_of_conv, eps)});
}

}  // namespace giemsa
