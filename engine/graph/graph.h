// A graph is data: an append-only list of nodes, and the values that they make. A node names its layer after the
// PyTorch state_dict prefix it came from, so that one name serves weights, errors, dumps, traces and timings. Shapes
// are inferred, and refused, as a node is added.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/ops/ops.h"

namespace giemsa {

/// Index of a node in its graph.
enum class NodeId : std::int32_t {};
/// Index of a value in its graph.
enum class ValueId : std::int32_t {};

constexpr std::size_t index_of(NodeId id) {
  return static_cast<std::size_t>(id);
}
constexpr std::size_t index_of(ValueId id) {
  return static_cast<std::size_t>(id);
}

/// Where a pass decided that a value lives inside the output of a later Concat.
struct ConcatSlot {
  ValueId concat;
  std::int64_t channel;  ///< first channel within the concatenation
  friend bool operator==(const ConcatSlot&, const ConcatSlot&) = default;
};

/// An edge of the graph: what one node makes and others read.
struct Value {
  std::string name;  ///< of the layer whose result it is; after fusion, of the last one fused
  TensorType type;
  NodeId producer;
  std::optional<ConcatSlot> slot = {};
  /// What one step of the value stands for where a backend stores it in 8 bits, as calibration found it; 0: unknown.
  float int8_scale = 0;
};

struct Node {
  std::string name;  ///< of the layer that the weights belong to; of the last one where several were fused
  Op op;
  std::vector<ValueId> inputs, outputs = {};
  std::vector<Weights> weights = {};  ///< one set per layer fused into the node; none where the op has none
  int stage = 0;                      ///< of the graph, as begin_stage() counts them

  ValueId output() const { return outputs.front(); }
};

class Graph {
 public:
  /// Appends an input. Throws on a repeated name.
  ValueId input(std::string name, TensorType type);

  /// Appends a node with one output, called as the node is, and infers its type. Throws Error(model), naming the layer,
  /// expected and actual, where inputs or weights do not fit the op, and on a repeated name.
  ValueId add(std::string name, Op op, std::vector<ValueId> inputs, Weights weights = {});

  /// Appends `node` with whatever outputs its op has, called by `names`. Infers and checks like the other add.
  NodeId add(Node node, const std::vector<std::string>& names);

  /// Declares a result. A graph may have several; their order is the order of these calls.
  void mark_output(ValueId id);

  /// Nodes appended from here on belong to the next stage: what timers tell apart.
  void begin_stage() { ++stage_; }

  /// Says what a step of the value, stored in 8 bits, stands for.
  void calibrate(ValueId id, float int8_scale);

  /// Lets `id` be computed inside `slot.concat`. For passes.
  void place(ValueId id, ConcatSlot slot);

  std::span<const Node> nodes() const { return nodes_; }
  std::span<const Value> values() const { return values_; }
  const Node& operator[](NodeId id) const { return nodes_[index_of(id)]; }
  const Value& operator[](ValueId id) const { return values_[index_of(id)]; }
  const Node& producer_of(ValueId id) const { return (*this)[(*this)[id].producer]; }
  std::span<const ValueId> inputs() const { return inputs_; }
  std::span<const ValueId> outputs() const { return outputs_; }
  bool is_output(ValueId id) const;

  /// The value called `name`, if there is one.
  std::optional<ValueId> find(std::string_view name) const;

 private:
  bool has_node(std::string_view name) const;
  void append(Node node, std::vector<TensorType> types, const std::vector<std::string>& names);

  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::vector<ValueId> inputs_, outputs_;
  int stage_ = 0;
};

/// Every node, and every value, in order.
std::vector<NodeId> node_ids(const Graph& graph);
std::vector<ValueId> value_ids(const Graph& graph);

/// The types of a node's inputs and outputs, and what is asked about them.
class NodeTypes {
 public:
  NodeTypes(const Graph& graph, const Node& node);
  Signature signature() const { return {inputs_, outputs_}; }

 private:
  std::vector<TensorType> inputs_, outputs_;
};

/// Whether no element of each value can be below zero.
std::vector<bool> non_negative(const Graph& graph);

/// How many nodes read each value (an output of the graph counts as one more reader).
std::vector<int> reader_counts(const Graph& graph);

/// The nodes that read each value.
std::vector<std::vector<NodeId>> readers(const Graph& graph);

/// Work and traffic of one node, whatever the backend: bytes of inputs, weights and outputs once each; FLOPs (2 per
/// multiply-add).
struct Cost {
  double bytes = 0, flops = 0;
  std::int64_t parameters = 0;
};
Cost cost_of(const Graph& graph, const Node& node);

}  // namespace giemsa
