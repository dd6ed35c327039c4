// Decides, for a graph, where each result lives and how it is stored, before any kernel is chosen.
//
// Network tensors are NHWC on both backends. Measured on the convolutions of ResNet-50 and the DeepLabv3+ head (batch
// 1, AVX-512), oneDNN's NHWC kernels (brgconv) are as fast as or faster than its channel-blocked ones; tensor cores
// want channels adjacent; a channel slice of a concatenation is then a plain stride, and frames arrive in this order.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/graph.h"
#include "engine/plan.h"

namespace giemsa {

/// A result in memory.
struct Value {
  DType dtype = DType::f32;       ///< as stored: network tensors may be narrower than fp32
  Shape shape;                    ///< logical: {N,C,H,W}, {N,K}, ...
  float scale = 1;                ///< what one step of an element stored in 8 bits stands for
  std::int64_t pixel_stride = 0;  ///< of a network tensor: elements from a pixel (or row) to the next
  bool channels_last = false;     ///< a flattened picture left as it lies: rows in H, W, C order
  int block = -1;                 ///< memory block it lives in; -1: the caller's memory
  std::size_t offset = 0;         ///< bytes into the block
  std::byte* data = nullptr;      ///< where it is, once memory is bound

  std::int64_t pixels() const { return shape.rank() == 4 ? shape[0] * shape[2] * shape[3] : shape[0]; }
  std::int64_t channels() const { return shape[1]; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
};

/// What a backend's kernels ask of the tensors they work on.
struct LayoutRules {
  DType precision = DType::f32;  ///< of network tensors, but for what only fp32 readers read
  bool int8 = false;             ///< what was calibrated is stored in 8 bits where the kernels can (not with `uniform`)
  /// Pixels, and slots of a concatenation, start at multiples of so many channels.
  std::int64_t channel_alignment = 1;
  std::int64_t row_alignment = 1;  ///< the same for the rows of {N,K}
  /// Every kernel but a matrix product writes the type that it reads: rows and network inputs are stored in
  /// `precision` too. Otherwise they are fp32.
  bool uniform = false;
};

struct Layout {
  std::vector<Value> values;      ///< one a node
  std::vector<Lifetime> blocks;   ///< memory blocks that values live in; a step's number is its node's
  std::vector<bool> in_place;     ///< a residual convolution that overwrites its residual input
  std::vector<NodeId> made_with;  ///< the node whose step makes a node's result: itself, an earlier one, or never_made
};

/// In place of the node that makes a result: there is no such result, its only reader computes from its inputs.
inline constexpr NodeId never_made{-1};

/// The node whose step makes each node's result: a region table is made with the labels that CleanAndLabel gives.
std::vector<NodeId> makers_of(const Graph& graph);

/// Rules beyond those given: slots of a concat are strided views of its block; a residual convolution takes over its
/// residual's block where that value dies there. `made_with` as of Layout.
Layout lay_out(const Graph& graph, const LayoutRules& rules, std::vector<NodeId> made_with);

inline Layout lay_out(const Graph& graph, const LayoutRules& rules) {
  return lay_out(graph, rules, makers_of(graph));
}

/// Whether a value is what networks compute with: fp32 as far as the graph is concerned, a picture or rows.
inline bool is_picture(const TensorType& type) {
  return type.dtype == DType::f32 && type.shape.rank() == 4;
}
inline bool is_rows(const TensorType& type) {
  return type.dtype == DType::f32 && type.shape.rank() == 2;
}
inline bool is_network_tensor(const TensorType& type) {
  return is_picture(type) || is_rows(type);
}

/// Whether elements are stored in 8 bits, with a scale.
constexpr bool is_8bit(DType dtype) {
  return dtype == DType::i8 || dtype == DType::u8;
}

/// Whether each channel of the convolution has a kernel of its own.
inline bool is_depthwise(const Conv2d& op, std::int64_t in_channels) {
  return op.groups > 1 && op.groups == in_channels && op.out_channels == in_channels;
}

}  // namespace giemsa
