#include "engine/plan/storage.h"

#include <algorithm>

namespace giemsa {

namespace {

using Result = StorageRule::Result;
using EightBits = StorageRule::EightBits;
using Reads = StorageRule::Reads;

class Decision {
 public:
  Decision(const Graph& graph, const LayoutRules& rules)
      : graph_(graph),
        rules_(rules),
        rows_in_8_bits_(graph.values().size(), true),
        only_fp32_readers_(graph.values().size(), true),
        only_rounding_readers_(graph.values().size(), true),
        non_negative_(giemsa::non_negative(graph)),
        storage_(graph.values().size()) {
    for (const Node& node : graph.nodes()) {
      const NodeTypes types(graph, node);
      node_rules_.push_back(std::visit([&](const auto& op) { return op.storage(types.signature()); }, node.op));
    }
    for (ValueId id : graph.outputs()) {
      rows_in_8_bits_[index_of(id)] = false;
      only_rounding_readers_[index_of(id)] = false;
    }
    // Readers come after what they read, hence backwards.
    for (std::size_t i = node_rules_.size(); i-- > 0;) learn_from_reader(graph.nodes()[i], node_rules_[i]);
  }

  std::vector<Storage> make() {
    for (std::size_t i = 0; i < node_rules_.size(); ++i)
      for (ValueId id : graph_.nodes()[i].outputs)
        storage_[index_of(id)] = decide(graph_.nodes()[i], node_rules_[i], id);
    return std::move(storage_);
  }

 private:
  void learn_from_reader(const Node& node, const StorageRule& rule) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const std::size_t input = index_of(node.inputs[i]);
      if (!rule.multiplies_8_bits) rows_in_8_bits_[input] = false;
      if (!reads_fp32(node, rule)) only_fp32_readers_[input] = false;
      if (!rule.rounds_input || i > 0) only_rounding_readers_[input] = false;
    }
  }

  bool reads_fp32(const Node& node, const StorageRule& rule) const {
    switch (rule.reads) {
      case Reads::fp32:
        return true;
      case Reads::like_result:
        return only_fp32_readers_[index_of(node.output())];
      case Reads::rows_of_result:
        return !rules_.uniform && !(rules_.int8 && rows_in_8_bits_[index_of(node.output())]);
      case Reads::stored:
        break;
    }
    return false;
  }

  Storage decide(const Node& node, const StorageRule& rule, ValueId id) const {
    const TensorType& type = graph_[id].type;
    if (!is_network_tensor(type) || rule.result == Result::fixed) return {};
    if (is_feature_map(type))
      return rules_.int8 ? feature_map_in_8_bits(node, rule, id) : Storage{plain(node, rule, id)};
    if (rules_.int8) return rows_in_8_bits(node, rule, id);
    return rules_.uniform ? Storage{plain(node, rule, id)} : Storage{};
  }

  /// The type of a value that is not in 8 bits.
  DType plain(const Node& node, const StorageRule& rule, ValueId id) const {
    if (rules_.precision == DType::f32) return DType::f32;
    switch (rule.result) {
      case Result::product:
        return product(id);
      case Result::depthwise:
        return rules_.uniform ? as_input(node) : product(id);
      case Result::precision:
        return rules_.precision;
      case Result::source:
        return rules_.uniform || only_rounding_readers_[index_of(id)] ? rules_.precision : DType::f32;
      case Result::as_input:
        return as_input(node);
      case Result::fixed:
        break;
    }
    return graph_[id].type.dtype;
  }
  DType product(ValueId id) const { return only_fp32_readers_[index_of(id)] ? DType::f32 : rules_.precision; }
  DType as_input(const Node& node) const { return reads_8_bits(node) ? rules_.precision : input_storage(node).dtype; }

  Storage feature_map_in_8_bits(const Node& node, const StorageRule& rule, ValueId id) const {
    if (rule.eight_bits == EightBits::keeps && reads_8_bits(node)) return input_storage(node);
    const bool able =
        rule.eight_bits == EightBits::quantizes || (rule.eight_bits == EightBits::sums_integers && reads_8_bits(node));
    const bool fp32 = only_fp32_readers_[index_of(id)] && !std::holds_alternative<Input>(node.op);
    if (!able || fp32 || !calibrated(id))
      return {only_fp32_readers_[index_of(id)] ? DType::f32 : plain(node, rule, id)};
    const auto& slot = graph_[id].slot;
    return symmetric(slot && calibrated(slot->concat) ? slot->concat : id);
  }

  /// Rows are u8 if fully connected layers are to multiply them, else fp32.
  Storage rows_in_8_bits(const Node& node, const StorageRule& rule, ValueId id) const {
    if (!rows_in_8_bits_[index_of(id)] || !non_negative_[index_of(id)]) return {};
    const bool keeps = rule.eight_bits == EightBits::keeps_or_quantizes;
    if (keeps && reads_8_bits(node)) return input_storage(node);
    const bool able = keeps || (rule.eight_bits == EightBits::sums_integers && reads_8_bits(node));
    return able && calibrated(id) ? symmetric(id) : Storage{};
  }

  const Storage& input_storage(const Node& node) const { return storage_[index_of(node.inputs[0])]; }
  bool reads_8_bits(const Node& node) const { return !node.inputs.empty() && is_8bit(input_storage(node).dtype); }
  bool calibrated(ValueId id) const { return graph_[id].int8_scale > 0; }
  Storage symmetric(ValueId id) const {
    return {non_negative_[index_of(id)] ? DType::u8 : DType::i8, graph_[id].int8_scale};
  }

  const Graph& graph_;
  const LayoutRules& rules_;
  std::vector<StorageRule> node_rules_;
  std::vector<bool> rows_in_8_bits_;         ///< only fully connected layers that multiply 8 bits read the value
  std::vector<bool> only_fp32_readers_;      ///< only readers in fp32 read it
  std::vector<bool> only_rounding_readers_;  ///< only convolutions that compute in the network's precision read it
  std::vector<bool> non_negative_;
  std::vector<Storage> storage_;
};

}  // namespace

std::vector<Storage> storage_of(const Graph& graph, const LayoutRules& rules) {
  return Decision(graph, rules).make();
}

std::vector<bool> wants_calibration(const Graph& graph) {
  Graph calibrated = graph;
  for (ValueId id : value_ids(graph)) calibrated.calibrate(id, 1);
  std::vector<bool> wanted;
  for (const Storage& storage : storage_of(calibrated, {.int8 = true})) wanted.push_back(is_8bit(storage.dtype));
  return wanted;
}

}  // namespace giemsa
