// What ops are described with: the types of values, the constants of layers.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/modes.h"
#include "engine/base/tensor.h"

namespace giemsa {

enum class Activation : std::uint8_t { none, relu, relu6 };

/// The largest value that an activation lets through.
constexpr float ceiling_of(Activation activation) {
  return activation == Activation::relu6 ? 6.0f : std::numeric_limits<float>::infinity();
}

/// What flows along an edge: logical NCHW extents. f32 stands for "the network's precision", which the backend chooses.
struct TensorType {
  DType dtype = DType::f32;
  Shape shape;
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

/// Whether a value is what networks compute with: fp32 as far as the graph is concerned, a feature map or rows.
inline bool is_feature_map(const TensorType& type) {
  return type.dtype == DType::f32 && type.shape.rank() == 4;
}
inline bool is_rows(const TensorType& type) {
  return type.dtype == DType::f32 && type.shape.rank() == 2;
}
inline bool is_network_tensor(const TensorType& type) {
  return is_feature_map(type) || is_rows(type);
}

/// The constants of a batch normalisation that a pass folded into the layer before it. They stay symbolic until a
/// backend uploads the layer (see fold() in engine/graph/fold.h), so passes are cheap and no second copy of the weights
/// is kept.
struct FoldedNorm {
  Tensor gamma, beta, mean, var;  ///< {O} each
  float eps = 0;
};

/// The constants of one layer; a role that the op does not have stays absent.
struct Weights {
  std::string layer;               ///< its state_dict prefix; empty stands for the name of the node that has them
  Tensor weight;                   ///< Conv2d {O,I/groups,kh,kw}; Linear {O,K}; BatchNorm {C} (gamma)
  Tensor bias;                     ///< {O}; BatchNorm {C} (beta)
  Tensor scale;                    ///< {O}: an int8 weight's row o stands for weight[o] * scale[o]
  Tensor running_mean;             ///< BatchNorm {C}
  Tensor running_var;              ///< BatchNorm {C}
  std::optional<FoldedNorm> norm;  ///< Conv2d: applied to the convolution's result, before residual and activation
};

/// The types of a node's inputs and outputs.
struct Signature {
  std::span<const TensorType> inputs, outputs;

  const Shape& in(std::size_t i = 0) const { return inputs[i].shape; }
  const Shape& out(std::size_t i = 0) const { return outputs[i].shape; }
  double out_volume() const { return static_cast<double>(out().volume()); }
};

}  // namespace giemsa
