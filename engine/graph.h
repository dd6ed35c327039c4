// A graph is data: an append-only list of nodes. A node names its layer after the PyTorch state_dict prefix it came
// from, so that one name serves weights, errors, dumps, traces and timings. Shapes are inferred, and refused, as a node
// is added.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/op.h"
#include "engine/tensor.h"

namespace giemsa {

/// Index of a node in its graph.
enum class NodeId : std::int32_t {};
constexpr std::size_t index_of(NodeId id) {
  return static_cast<std::size_t>(id);
}

/// What flows along an edge: logical NCHW extents. f32 stands for "the network's precision", which the backend chooses.
struct TensorType {
  DType dtype = DType::f32;
  Shape shape;
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

/// The constants of a batch normalisation that a pass folded into the layer before it. They stay symbolic until a
/// backend uploads the layer (see fold() in engine/fold.h), so passes are cheap and no second copy of the weights is
/// kept.
struct FoldedNorm {
  Tensor gamma, beta, mean, var;  ///< {O} each
  float eps = 0;
};

/// The constants of one node; a role that the op does not have stays absent.
struct Weights {
  Tensor weight;                   ///< Conv2d {O,I/groups,kh,kw}; Linear {O,K}; BatchNorm {C} (gamma)
  Tensor bias;                     ///< {O}; BatchNorm {C} (beta)
  Tensor scale;                    ///< {O}: an int8 weight's row o stands for weight[o] * scale[o]
  Tensor running_mean;             ///< BatchNorm {C}
  Tensor running_var;              ///< BatchNorm {C}
  std::optional<FoldedNorm> norm;  ///< Conv2d: applied to the convolution's result, before residual and activation
};

/// Where a pass decided that a node's result lives inside a later Concat's output.
struct ConcatSlot {
  NodeId concat;
  std::int64_t channel;  ///< first channel within the concatenation
};

struct Node {
  std::string name;  ///< of the layer that the weights belong to
  std::string
      value;  ///< of the result: equals `name` until a pass fuses later nodes in, then the last of these nodes' name
  Op op;
  std::vector<NodeId> inputs;
  Weights weights;
  TensorType output;
  std::optional<ConcatSlot> slot;
  /// What one step of the result stands for where a backend stores it in 8 bits, as calibration found it; 0: unknown.
  float int8_scale = 0;
};

class Graph {
 public:
  /// Appends an input. Throws on a repeated name.
  NodeId input(std::string name, TensorType type);

  /// Appends a node and infers its output. Throws Error(model), naming the layer, expected and actual, where inputs or
  /// weights do not fit the op, and on a repeated name.
  NodeId add(std::string name, Op op, std::vector<NodeId> inputs, Weights weights = {});

  /// Appends a copy of `node` that reads `inputs`: how passes rewrite. Infers and checks like the other add.
  NodeId add(Node node, std::vector<NodeId> inputs);

  /// Declares a result. A graph may have several; their order is the order of these calls.
  void mark_output(NodeId id);

  /// Says what a step of the result of `id`, stored in 8 bits, stands for.
  void calibrate(NodeId id, float int8_scale);

  /// Lets `id` be computed inside the output of `slot.concat`. For passes.
  void place(NodeId id, ConcatSlot slot);

  std::span<const Node> nodes() const { return nodes_; }
  const Node& operator[](NodeId id) const { return nodes_[index_of(id)]; }
  std::span<const NodeId> inputs() const { return inputs_; }
  std::span<const NodeId> outputs() const { return outputs_; }
  bool is_output(NodeId id) const;

  /// The node called `name`, if there is one.
  std::optional<NodeId> find(std::string_view name) const;

 private:
  std::vector<Node> nodes_;
  std::vector<NodeId> inputs_, outputs_;
};

/// Whether no element of each node's result can be below zero.
std::vector<bool> non_negative(const Graph& graph);

/// How many nodes read each node's result (an output counts as one more reader).
std::vector<int> reader_counts(const Graph& graph);

/// The shape rule of `node.op`: fills in node.output or throws. `inputs` are the types of node.inputs.
TensorType infer_type(const Node& node, std::span<const TensorType> inputs);

/// Work and traffic of one node, whatever the backend: bytes of inputs, weights and output once each; FLOPs (2 per
/// multiply-add).
struct Cost {
  double bytes = 0, flops = 0;
  std::int64_t parameters = 0;
};
Cost cost_of(const Graph& graph, NodeId id);

}  // namespace giemsa
