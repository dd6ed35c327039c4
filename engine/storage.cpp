#include "engine/storage.h"

namespace giemsa {

namespace {

template <class T>
bool is(const Node& node) {
  return std::holds_alternative<T>(node.op);
}

/// Which results only fully connected layers read that may multiply 8 bits: hidden ones, which end in a ReLU. Logits
/// are made of what was not rounded.
std::vector<bool> read_by_linears(const Graph& graph) {
  std::vector<bool> multiplied(graph.nodes().size(), true);
  for (NodeId id : graph.outputs()) multiplied[index_of(id)] = false;
  for (const Node& node : graph.nodes()) {
    const auto* linear = std::get_if<Linear>(&node.op);
    const bool able = linear && linear->activation == Activation::relu &&
                      graph[node.inputs[0]].output.shape[1] <= longest_integer_row;
    if (!able)
      for (NodeId input : node.inputs) multiplied[index_of(input)] = false;
  }
  return multiplied;
}

/// Which results only fp32 readers read.
std::vector<bool> read_as_fp32(const Graph& graph, const LayoutRules& rules, const std::vector<bool>& multiplied) {
  // Readers come after what they read, hence backwards.
  std::vector<bool> wants_fp32(graph.nodes().size(), true);
  for (std::size_t i = wants_fp32.size(); i-- > 0;) {
    const Node& node = graph.nodes()[i];
    const bool reads_fp32 = is<Threshold>(node) || is<UpsampleThreshold>(node) || is<Softmax>(node) ||
                            (is<Flatten>(node) && !rules.uniform && !(rules.int8 && multiplied[i])) ||
                            (is<Upsample>(node) && wants_fp32[i]);
    if (!reads_fp32)
      for (NodeId input : node.inputs) wants_fp32[index_of(input)] = false;
  }
  return wants_fp32;
}

/// Which results only convolutions that compute in the network's precision read.
std::vector<bool> read_by_convolutions(const Graph& graph) {
  std::vector<bool> convolved(graph.nodes().size(), true);
  for (NodeId id : graph.outputs()) convolved[index_of(id)] = false;
  for (const Node& node : graph.nodes()) {
    const auto* conv = std::get_if<Conv2d>(&node.op);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const bool rounds = conv && i == 0 && !is_depthwise(*conv, graph[node.inputs[0]].output.shape[1]);
      if (!rounds) convolved[index_of(node.inputs[i])] = false;
    }
  }
  return convolved;
}

class Decision {
 public:
  Decision(const Graph& graph, const LayoutRules& rules)
      : graph_(graph),
        rules_(rules),
        multiplied_(read_by_linears(graph)),
        wants_fp32_(read_as_fp32(graph, rules, multiplied_)),
        convolved_(read_by_convolutions(graph)),
        non_negative_(giemsa::non_negative(graph)),
        storage_(graph.nodes().size()) {}

  std::vector<Storage> make() {
    for (std::size_t i = 0; i < storage_.size(); ++i) {
      const Node& node = graph_.nodes()[i];
      const bool covered = rules_.uniform ? is_network_tensor(node.output) : is_picture(node.output);
      if (rules_.int8 && is_rows(node.output)) storage_[i] = rows_in_8_bits(i);
      if (!covered || is<Softmax>(node)) continue;
      storage_[i] = rules_.int8 ? in_8_bits(i) : Storage{plain(i)};
    }
    return std::move(storage_);
  }

 private:
  DType of_input(const Node& node) const { return storage_[index_of(node.inputs[0])].dtype; }

  /// The type without 8-bit results.
  DType plain(std::size_t i) const {
    const Node& node = graph_.nodes()[i];
    if (rules_.precision == DType::f32) return DType::f32;
    // Stored exactly, unless all that read it are convolutions that would round it.
    const bool source = is<Input>(node) || is<Preprocess>(node) || is<CropResize>(node);
    const auto* conv = std::get_if<Conv2d>(&node.op);
    const bool product =
        is<Linear>(node) || (conv && !(rules_.uniform && is_depthwise(*conv, graph_[node.inputs[0]].output.shape[1])));
    if (product) return wants_fp32_[i] ? DType::f32 : rules_.precision;
    if (is<Concat>(node) || is<Add>(node)) return rules_.precision;
    if (source) return rules_.uniform || convolved_[i] ? rules_.precision : DType::f32;
    return is_8bit(of_input(node)) ? rules_.precision : of_input(node);
  }

  Storage in_8_bits(std::size_t i) const {
    const Node& node = graph_.nodes()[i];
    const bool reads_8_bits = !node.inputs.empty() && is_8bit(of_input(node));
    if ((is<MaxPool>(node) || copies(node)) && reads_8_bits) return storage_[index_of(node.inputs[0])];
    const bool able = is<Input>(node) || is<Preprocess>(node) || is<CropResize>(node) || is<Upsample>(node) ||
                      is<Lrn>(node) || is<Concat>(node) || (is<Conv2d>(node) && reads_8_bits);
    const bool fp32 = wants_fp32_[i] && !is<Input>(node);
    if (!able || fp32 || !calibrated(i)) return {wants_fp32_[i] ? DType::f32 : plain(i)};
    if (node.slot && calibrated(index_of(node.slot->concat))) return symmetric(index_of(node.slot->concat));
    return symmetric(i);
  }

  /// Of rows: u8 if fully connected layers are to multiply them, else fp32.
  Storage rows_in_8_bits(std::size_t i) const {
    const Node& node = graph_.nodes()[i];
    const bool reads_8_bits = !node.inputs.empty() && is_8bit(of_input(node));
    if (!multiplied_[i] || !non_negative_[i]) return {};
    if (is<Flatten>(node) && reads_8_bits) return storage_[index_of(node.inputs[0])];
    const bool able = is<Flatten>(node) || (is<Linear>(node) && reads_8_bits);
    return able && calibrated(i) ? symmetric(i) : Storage{};
  }

  /// Whether a pool averages single values.
  bool copies(const Node& node) const {
    return is<AdaptiveAvgPool>(node) && node.output.shape == graph_[node.inputs[0]].output.shape;
  }

  bool calibrated(std::size_t i) const { return graph_.nodes()[i].int8_scale > 0; }
  Storage symmetric(std::size_t i) const {
    return {non_negative_[i] ? DType::u8 : DType::i8, graph_.nodes()[i].int8_scale};
  }

  const Graph& graph_;
  const LayoutRules& rules_;
  std::vector<bool> multiplied_, wants_fp32_, convolved_, non_negative_;
  std::vector<Storage> storage_;
};

}  // namespace

std::vector<Storage> storage_of(const Graph& graph, const LayoutRules& rules) {
  return Decision(graph, rules).make();
}

std::vector<bool> wants_calibration(const Graph& graph) {
  Graph calibrated = graph;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) calibrated.calibrate(NodeId{static_cast<std::int32_t>(i)}, 1);
  std::vector<bool> wanted;
  for (const Storage& storage : storage_of(calibrated, {.int8 = true})) wanted.push_back(is_8bit(storage.dtype));
  return wanted;
}

}  // namespace giemsa
