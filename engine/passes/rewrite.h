// The skeleton that passes share: walk a graph in order, copy what stays, and know where each old value went.
#pragma once

#include "engine/graph/graph.h"

namespace giemsa {

class Rewrite {
 public:
  explicit Rewrite(const Graph& from)
      : from_(from), readers_(reader_counts(from)), moved_(from.values().size(), nowhere) {}

  /// The node that makes `id` if that is a `T` and nothing else reads the value, which is no output of the graph
  /// either.
  template <class T>
  const Node* sole_producer(ValueId id) const {
    const Node& producer = from_.producer_of(id);
    return only_reader(id) && std::holds_alternative<T>(producer.op) ? &producer : nullptr;
  }

  bool only_reader(ValueId id) const { return readers_[index_of(id)] == 1 && !from_.is_output(id); }

  /// Copies a node as it is.
  void keep(const Node& node) {
    if (std::holds_alternative<Input>(node.op)) {
      const Value& value = from_[node.output()];
      moved_[index_of(node.output())] = to_.input(node.name, value.type);
      to_.calibrate(moved_[index_of(node.output())], value.int8_scale);
    } else {
      replace(node.outputs, node);
    }
  }

  /// Appends `node`, whose inputs are of the old graph. Its outputs take the place, the names and the scales of the old
  /// values `results`, and it belongs to the stage in which the last of these was made.
  void replace(const std::vector<ValueId>& results, Node node) {
    node.inputs = moved(node.inputs);
    node.stage = from_.producer_of(results.back()).stage;
    std::vector<std::string> names;
    for (ValueId id : results) names.push_back(from_[id].name);
    const NodeId added = to_.add(std::move(node), names);
    for (std::size_t i = 0; i < results.size(); ++i) {
      moved_[index_of(results[i])] = to_[added].outputs[i];
      to_.calibrate(to_[added].outputs[i], from_[results[i]].int8_scale);
    }
  }

  /// The finished graph: outputs are those of the old one, and values keep their slots. Values fused away must not be
  /// among either.
  Graph finish() {
    for (ValueId id : from_.outputs()) to_.mark_output(moved_[index_of(id)]);
    for (ValueId id : value_ids(from_)) {
      const auto& slot = from_[id].slot;
      if (slot && moved_[index_of(id)] != nowhere)
        to_.place(moved_[index_of(id)], {moved_[index_of(slot->concat)], slot->channel});
    }
    return std::move(to_);
  }

 private:
  static constexpr ValueId nowhere{-1};

  std::vector<ValueId> moved(const std::vector<ValueId>& ids) const {
    std::vector<ValueId> result;
    for (ValueId id : ids) {
      check(moved_[index_of(id)] != nowhere, ErrorKind::internal, "a pass dropped ", from_[id].name,
            ", which is still read");
      result.push_back(moved_[index_of(id)]);
    }
    return result;
  }

  const Graph& from_;
  std::vector<int> readers_;
  Graph to_;
  std::vector<ValueId> moved_;
};

}  // namespace giemsa
