// The vocabulary in which the networks are written: layers that fetch their own tensors by state_dict name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace giemsa {

/// The tensor called `name`; `shape` is the one that it has in the full-width network.
using TensorSource = std::function<Tensor(const std::string& name, const Shape& shape)>;

/// [depthwise convolution, [batch norm, ReLU]] convolution, [batch norm, ReLU]; what is empty is not there.
struct ConvNames {
  std::string conv = {}, bn = {};
  std::string depthwise = {}, depthwise_bn = {};
  bool bias = false;  ///< the convolution has a bias although a batch norm follows
};

/// A convolution but for its names.
struct ConvShape {
  std::int64_t out_channels;  ///< of the full-width network; the tensor at hand decides
  std::int64_t kernel = 1, stride = 1, dilation = 1, groups = 1;
  std::optional<std::int64_t> padding = {};  ///< none given: what keeps the size at stride 1
};

inline constexpr Relu relu6{6};

/// Adds layers to a graph. Channel counts come from the tensors, so narrow variants of a network work as they are; the
/// graph refuses whatever else does not fit, naming the layer.
class Layers {
 public:
  Layers(Graph& graph, TensorSource source) : graph_(graph), source_(std::move(source)) {}

  /// {N,C,H,W} -> {N,out_channels,H',W'}; `op.out_channels` is the full width.
  ValueId conv2d(const std::string& name, ValueId x, Conv2d op, bool bias);
  ValueId batch_norm(const std::string& name, ValueId x, float eps);
  /// {N,K} -> {N,out_features}, with bias; int8 weights bring `<name>.weight_scale`.
  ValueId linear(const std::string& name, ValueId x, std::int64_t out_features);

  /// Convolution and batch norm, without a ReLU behind them; depthwise first where `names` has one.
  ValueId conv_bn(const ConvNames& names, ValueId x, const ConvShape& shape, float eps);
  /// As conv_bn, with the ReLU or `relu6`, called `<bn>.relu`.
  ValueId conv_bn_relu(const ConvNames& names, ValueId x, const ConvShape& shape, float eps, Relu relu = {});

  /// A layer without weights.
  ValueId add(const std::string& name, Op op, std::vector<ValueId> inputs) {
    return graph_.add(name, std::move(op), std::move(inputs));
  }

  const Shape& shape(ValueId id) const { return graph_[id].type.shape; }
  Size2 size(ValueId id) const { return {shape(id)[2], shape(id)[3]}; }

 private:
  Tensor fetch(const std::string& name, const Shape& shape) const;

  Graph& graph_;
  TensorSource source_;
};

}  // namespace giemsa
