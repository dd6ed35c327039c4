// The skeleton that passes share: walk a graph in order, copy what stays, and know where each old node went.
#pragma once

#include "engine/graph.h"

namespace giemsa {

class Rewrite {
 public:
  explicit Rewrite(const Graph& from)
      : from_(from), readers_(reader_counts(from)), moved_(from.nodes().size(), nowhere) {}

  /// Whether `reader` is the only one that reads the result of `id`, which is no output either.
  bool only_reader(NodeId id) const { return readers_[index_of(id)] == 1 && !from_.is_output(id); }

  /// Copies node `id` as it is.
  void keep(NodeId id) {
    const Node& node = from_[id];
    if (std::holds_alternative<Input>(node.op)) {
      moved_[index_of(id)] = to_.input(node.name, node.output);
      to_.calibrate(moved_[index_of(id)], node.int8_scale);
    } else {
      moved_[index_of(id)] = to_.add(node, moved(node.inputs));
    }
  }

  /// Appends `node` (reading old ids `inputs`) in place of old node `id`.
  void replace(NodeId id, Node node, const std::vector<NodeId>& inputs) {
    moved_[index_of(id)] = to_.add(std::move(node), moved(inputs));
  }

  /// The finished graph: outputs are those of the old one. Nodes fused into others must not be among them.
  Graph finish() {
    for (NodeId id : from_.outputs()) to_.mark_output(moved_[index_of(id)]);
    return std::move(to_);
  }

 private:
  static constexpr NodeId nowhere{-1};

  std::vector<NodeId> moved(const std::vector<NodeId>& ids) const {
    std::vector<NodeId> result;
    for (NodeId id : ids) {
      check(moved_[index_of(id)] != nowhere, ErrorKind::internal, "a pass dropped ", from_[id].name,
            ", which is still read");
      result.push_back(moved_[index_of(id)]);
    }
    return result;
  }

  const Graph& from_;
  std::vector<int> readers_;
  Graph to_;
  std::vector<NodeId> moved_;
};

/// Every node of `graph`, in order.
inline std::vector<NodeId> ids_of(const Graph& graph) {
  std::vector<NodeId> ids;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) ids.push_back(NodeId{static_cast<std::int32_t>(i)});
  return ids;
}

}  // namespace giemsa
