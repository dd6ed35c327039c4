#include "engine/plan/layout.h"

#include <algorithm>

#include "engine/plan/storage.h"

namespace giemsa {

namespace {

template <class T>
bool is(const Node& node) {
  return std::holds_alternative<T>(node.op);
}

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// The last step at which each value is read; a value that nobody reads is alive at its producer's step only.
std::vector<int> last_reads(const Graph& graph) {
  std::vector<int> last;
  for (const Value& value : graph.values()) last.push_back(static_cast<int>(index_of(value.producer)));
  for (NodeId id : node_ids(graph))
    for (ValueId input : graph[id].inputs) last[index_of(input)] = static_cast<int>(index_of(id));
  for (ValueId id : graph.outputs()) last[index_of(id)] = static_cast<int>(graph.nodes().size());
  return last;
}

class Builder {
 public:
  Builder(const Graph& graph, const LayoutRules& rules)
      : graph_(graph),
        rules_(rules),
        storage_(storage_of(graph, rules)),
        last_(last_reads(graph)),
        readers_(readers(graph)) {
    layout_.buffers.resize(graph.values().size());
    layout_.in_place.resize(graph.nodes().size(), false);
  }

  Layout build() {
    const auto nodes = graph_.nodes();
    for (std::size_t i = nodes.size(); i-- > 0;)
      if (is<Concat>(nodes[i])) make_concat_home(nodes[i].output());  // homes first: their guests come earlier
    for (NodeId id : node_ids(graph_))
      if (!is<Concat>(graph_[id]))
        for (ValueId output : graph_[id].outputs) place(id, output);
    return std::move(layout_);
  }

 private:
  Buffer& buffer(ValueId id) { return layout_.buffers[index_of(id)]; }
  const Buffer& buffer(ValueId id) const { return layout_.buffers[index_of(id)]; }

  int first_step(ValueId id) const {
    if (is<Input>(graph_.producer_of(id))) return 0;  // inputs are filled in before the first step
    return static_cast<int>(index_of(graph_[id].producer));
  }

  void describe(ValueId id) {
    const TensorType& type = graph_[id].type;
    Buffer& to = buffer(id);
    to.shape = type.shape;
    to.dtype = is_network_tensor(type) ? storage_[index_of(id)].dtype : type.dtype;
    to.scale = storage_[index_of(id)].scale;
    if (is_feature_map(type))
      to.pixel_stride = round_up(to.channels(), rules_.channel_alignment);
    else if (is_network_tensor(type))  // Softmax, which nothing computes with, is dense
      to.pixel_stride = round_up(to.channels(), is<Softmax>(graph_.producer_of(id)) ? 1 : rules_.row_alignment);
  }

  int new_block(ValueId id) {
    const Buffer& of = buffer(id);
    const std::int64_t elements = of.pixel_stride > 0 ? of.pixels() * of.pixel_stride : of.shape.volume();
    layout_.blocks.push_back(
        {graph_[id].name, static_cast<std::size_t>(elements) * size_of(of.dtype), first_step(id), last_[index_of(id)]});
    return static_cast<int>(layout_.blocks.size() - 1);
  }

  void make_concat_home(ValueId id) {
    describe(id);
    buffer(id).block = new_block(id);
  }

  void place(NodeId node_id, ValueId id) {
    const Node& node = graph_[node_id];
    describe(id);
    Buffer& to = buffer(id);
    const TensorType& type = graph_[id].type;
    const bool converted = rules_.uniform ? is_network_tensor(type) : is_feature_map(type);
    if (is<Input>(node) && !converted) return;  // read where the caller has it

    if (graph_[id].slot && guest(id, *graph_[id].slot)) return;
    if (const auto residual = overwritten_residual(node_id)) {
      to.block = buffer(*residual).block;
      layout_.in_place[index_of(node_id)] = true;
      prolong(to.block, id);
      return;
    }
    if (stays_as_it_lies(node)) {
      const Buffer& map = buffer(node.inputs[0]);
      to.block = map.block;
      to.offset = map.offset;
      to.channels_last = true;
      prolong(to.block, id);
      return;
    }
    to.block = new_block(id);
  }

  /// A value joins the block.
  void prolong(int index, ValueId id) {
    Lifetime& block = layout_.blocks[static_cast<std::size_t>(index)];
    block.first = std::min(block.first, first_step(id));
    block.last = std::max(block.last, last_[index_of(id)]);
  }

  /// Lives inside the concat's block, where both are stored alike and the slot suits the kernels.
  bool guest(ValueId id, const ConcatSlot& slot) {
    const Buffer& home = buffer(slot.concat);
    Buffer& to = buffer(id);
    if (home.dtype != to.dtype || home.scale != to.scale || slot.channel % rules_.channel_alignment != 0 ||
        to.channels() % rules_.channel_alignment != 0)
      return false;
    to.block = home.block;
    to.pixel_stride = home.pixel_stride;
    to.offset = static_cast<std::size_t>(slot.channel) * size_of(to.dtype);
    prolong(home.block, id);
    return true;
  }

  /// The residual input of a convolution if its memory can become the result: it dies here, nothing else reads it in
  /// this step, it is not the caller's, it is no part of a concat, and its elements are stored alike (or both in 8
  /// bits: sums may change sign and scale).
  std::optional<ValueId> overwritten_residual(NodeId node_id) const {
    const Node& node = graph_[node_id];
    const auto* conv = std::get_if<Conv2d>(&node.op);
    if (!conv || !conv->residual || node.inputs[0] == node.inputs[1]) return std::nullopt;
    const ValueId r = node.inputs[1];
    const Node& producer = graph_.producer_of(r);
    const Buffer &from = buffer(r), &to = buffer(node.output());
    const bool dies = last_[index_of(r)] == static_cast<int>(index_of(node_id));
    const bool alike = from.dtype == to.dtype || (is_8bit(from.dtype) && is_8bit(to.dtype));
    if (!dies || graph_[r].slot || is<Concat>(producer) || is<Input>(producer) || !alike) return std::nullopt;
    return r;
  }

  /// A Flatten that copies nothing: only fully connected layers read it, whose weights can be uploaded in the order in
  /// which the feature map lies, and neither pixels nor rows have gaps.
  bool stays_as_it_lies(const Node& node) const {
    if (!rules_.uniform || !is<Flatten>(node) || graph_.is_output(node.output())) return false;
    const Buffer &rows = buffer(node.output()), &map = buffer(node.inputs[0]);
    const bool dense = map.pixel_stride == map.channels() && rows.pixel_stride == rows.channels();
    return dense && map.block >= 0 && map.dtype == rows.dtype &&
           std::ranges::all_of(readers_[index_of(node.output())],
                               [&](NodeId reader) { return is<Linear>(graph_[reader]); });
  }

  const Graph& graph_;
  const LayoutRules& rules_;
  std::vector<Storage> storage_;
  std::vector<int> last_;
  std::vector<std::vector<NodeId>> readers_;
  Layout layout_;
};

}  // namespace

Layout lay_out(const Graph& graph, const LayoutRules& rules) {
  return Builder(graph, rules).build();
}

}  // namespace giemsa
