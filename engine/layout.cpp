#include "engine/layout.h"

#include <algorithm>

#include "engine/storage.h"

namespace giemsa {

namespace {

template <class T>
bool is(const Node& node) {
  return std::holds_alternative<T>(node.op);
}

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// The last step at which each node's result is read; a result nobody reads is alive at its own step only.
std::vector<int> last_reads(const Graph& graph, const std::vector<NodeId>& made_with) {
  std::vector<int> last(graph.nodes().size());
  for (std::size_t i = 0; i < last.size(); ++i) {
    last[i] = static_cast<int>(i);
    for (NodeId input : graph.nodes()[i].inputs) {
      last[index_of(input)] = static_cast<int>(i);
      if (made_with[index_of(input)] != never_made) continue;
      for (NodeId source : graph[input].inputs) last[index_of(source)] = static_cast<int>(i);
    }
  }
  for (NodeId id : graph.outputs()) last[index_of(id)] = static_cast<int>(last.size());
  return last;
}

class Builder {
 public:
  Builder(const Graph& graph, const LayoutRules& rules, std::vector<NodeId> made_with)
      : graph_(graph), rules_(rules), storage_(storage_of(graph, rules)), last_(last_reads(graph, made_with)) {
    layout_.values.resize(graph.nodes().size());
    layout_.in_place.resize(graph.nodes().size(), false);
    layout_.made_with = std::move(made_with);
  }

  Layout build() {
    for (std::size_t i = graph_.nodes().size(); i-- > 0;)
      make_concat_home(i);  // homes first: their guests come earlier
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) place(i);
    return std::move(layout_);
  }

 private:
  int step_of(std::size_t i) const {
    if (is<Input>(graph_.nodes()[i])) return 0;  // inputs are filled in before the first step
    if (layout_.made_with[i] == never_made) return static_cast<int>(i);
    return static_cast<int>(index_of(layout_.made_with[i]));
  }

  void describe(std::size_t i) {
    const TensorType& type = graph_.nodes()[i].output;
    Value& value = layout_.values[i];
    value.shape = type.shape;
    value.dtype = is_network_tensor(type) ? storage_[i].dtype : type.dtype;
    value.scale = storage_[i].scale;
    if (is_picture(type))
      value.pixel_stride = round_up(value.channels(), rules_.channel_alignment);
    else if (is_network_tensor(type))  // Softmax, which nothing computes with, is dense
      value.pixel_stride = round_up(value.channels(), is<Softmax>(graph_.nodes()[i]) ? 1 : rules_.row_alignment);
  }

  int new_block(std::size_t i) {
    const Value& value = layout_.values[i];
    const std::int64_t elements = value.pixel_stride > 0 ? value.pixels() * value.pixel_stride : value.shape.volume();
    layout_.blocks.push_back(
        {graph_.nodes()[i].value, static_cast<std::size_t>(elements) * size_of(value.dtype), step_of(i), last_[i]});
    return static_cast<int>(layout_.blocks.size() - 1);
  }

  void make_concat_home(std::size_t i) {
    if (!is<Concat>(graph_.nodes()[i])) return;
    describe(i);
    layout_.values[i].block = new_block(i);
  }

  void place(std::size_t i) {
    const Node& node = graph_.nodes()[i];
    if (is<Concat>(node)) return;
    describe(i);
    if (layout_.made_with[i] == never_made) return;
    Value& value = layout_.values[i];
    if (is<Input>(node) && !is_picture(node.output)) return;  // read where the caller has it

    if (node.slot && guest(i, *node.slot)) return;
    if (const auto residual = overwritten_residual(i)) {
      value.block = layout_.values[*residual].block;
      layout_.in_place[i] = true;
      prolong(value.block, i);
      return;
    }
    if (stays_as_it_lies(i)) {
      const Value& picture = layout_.values[index_of(node.inputs[0])];
      value.block = picture.block;
      value.offset = picture.offset;
      value.channels_last = true;
      prolong(value.block, i);
      return;
    }
    value.block = new_block(i);
  }

  /// A value of node i joins the block.
  void prolong(int index, std::size_t i) {
    Lifetime& block = layout_.blocks[static_cast<std::size_t>(index)];
    block.first = std::min(block.first, step_of(i));
    block.last = std::max(block.last, last_[i]);
  }

  /// Lives inside the concat's block, where both are stored alike and the slot suits the kernels.
  bool guest(std::size_t i, const ConcatSlot& slot) {
    const Value& home = layout_.values[index_of(slot.concat)];
    Value& value = layout_.values[i];
    if (home.dtype != value.dtype || home.scale != value.scale || slot.channel % rules_.channel_alignment != 0 ||
        value.channels() % rules_.channel_alignment != 0)
      return false;
    value.block = home.block;
    value.pixel_stride = home.pixel_stride;
    value.offset = static_cast<std::size_t>(slot.channel) * size_of(value.dtype);
    prolong(home.block, i);
    return true;
  }

  /// The residual input of convolution i if its memory can become the result: it dies here, nothing else reads it in
  /// this step, it is not the caller's, it is no part of a concat, and its elements are stored alike (or both in 8
  /// bits: sums may change sign and scale).
  std::optional<std::size_t> overwritten_residual(std::size_t i) const {
    const Node& node = graph_.nodes()[i];
    const auto* conv = std::get_if<Conv2d>(&node.op);
    if (!conv || !conv->residual || node.inputs[0] == node.inputs[1]) return std::nullopt;
    const std::size_t r = index_of(node.inputs[1]);
    const Node& residual = graph_.nodes()[r];
    const Value &from = layout_.values[r], &to = layout_.values[i];
    const bool dies = last_[r] == static_cast<int>(i);
    const bool alike = from.dtype == to.dtype || (is_8bit(from.dtype) && is_8bit(to.dtype));
    if (!dies || residual.slot || is<Concat>(residual) || is<Input>(residual) || !alike) return std::nullopt;
    return r;
  }

  /// A Flatten that copies nothing: only fully connected layers read it, whose weights can be uploaded in the order in
  /// which the picture lies, and neither pixels nor rows have gaps.
  bool stays_as_it_lies(std::size_t i) const {
    const Node& node = graph_.nodes()[i];
    if (!rules_.uniform || !is<Flatten>(node) || graph_.is_output(NodeId{static_cast<std::int32_t>(i)})) return false;
    const Value &rows = layout_.values[i], &picture = layout_.values[index_of(node.inputs[0])];
    const bool dense = picture.pixel_stride == picture.channels() && rows.pixel_stride == rows.channels();
    return dense && picture.block >= 0 && picture.dtype == rows.dtype &&
           std::ranges::all_of(graph_.nodes(), [&](const Node& reader) {
             return std::ranges::find(reader.inputs, NodeId{static_cast<std::int32_t>(i)}) == reader.inputs.end() ||
                    is<Linear>(reader);
           });
  }

  const Graph& graph_;
  const LayoutRules& rules_;
  std::vector<Storage> storage_;
  std::vector<int> last_;
  Layout layout_;
};

}  // namespace

std::vector<NodeId> makers_of(const Graph& graph) {
  std::vector<NodeId> makers;
  for (const Node& node : graph.nodes()) {
    const NodeId itself{static_cast<std::int32_t>(makers.size())};
    const bool from_cleanup = is<Regions>(node) && is<CleanAndLabel>(graph[node.inputs[0]]);
    makers.push_back(from_cleanup ? node.inputs[0] : itself);
  }
  return makers;
}

Layout lay_out(const Graph& graph, const LayoutRules& rules, std::vector<NodeId> made_with) {
  return Builder(graph, rules, std::move(made_with)).build();
}

}  // namespace giemsa
