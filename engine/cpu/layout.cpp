#include "engine/cpu/layout.h"

#include <algorithm>

namespace giemsa::cpu {

namespace {

template <class T>
bool is(const Node& node) {
  return std::holds_alternative<T>(node.op);
}

bool is_picture(const TensorType& type) {
  return type.dtype == DType::f32 && type.shape.rank() == 4;
}

/// The last step at which each node's result is read; a result nobody reads is alive at its own step only.
std::vector<int> last_reads(const Graph& graph) {
  std::vector<int> last(graph.nodes().size());
  for (std::size_t i = 0; i < last.size(); ++i) {
    last[i] = static_cast<int>(i);
    for (NodeId input : graph.nodes()[i].inputs) last[index_of(input)] = static_cast<int>(i);
  }
  for (NodeId id : graph.outputs()) last[index_of(id)] = static_cast<int>(last.size());
  return last;
}

/// How each network tensor is stored.
std::vector<DType> storage_types(const Graph& graph, DType precision) {
  const std::size_t count = graph.nodes().size();
  if (precision == DType::f32) return std::vector<DType>(count, DType::f32);

  // wants_fp32[i]: every reader of result i works in fp32. Readers come after what they read, hence backwards.
  std::vector<bool> wants_fp32(count, true);
  for (std::size_t i = count; i-- > 0;) {
    const Node& node = graph.nodes()[i];
    const bool reads_fp32 = is<Threshold>(node) || is<UpsampleThreshold>(node) || is<Flatten>(node) ||
                            (is<Upsample>(node) && wants_fp32[i]);
    if (!reads_fp32)
      for (NodeId input : node.inputs) wants_fp32[index_of(input)] = false;
  }

  std::vector<DType> types(count, DType::f32);
  for (std::size_t i = 0; i < count; ++i) {
    const Node& node = graph.nodes()[i];
    if (!is_picture(node.output)) continue;
    const bool source =
        is<Input>(node) || is<Preprocess>(node) || is<CropResize>(node);  // exact; a convolution rounds it as it reads
    if (is<Conv2d>(node))
      types[i] = wants_fp32[i] ? DType::f32 : precision;
    else if (is<Concat>(node) || is<Add>(node))
      types[i] = precision;
    else if (!source)
      types[i] = types[index_of(node.inputs[0])];
  }
  return types;
}

class Builder {
 public:
  Builder(const Graph& graph, DType precision)
      : graph_(graph), types_(storage_types(graph, precision)), last_(last_reads(graph)) {
    layout_.values.resize(graph.nodes().size());
    layout_.in_place.resize(graph.nodes().size(), false);
  }

  Layout build() {
    for (std::size_t i = graph_.nodes().size(); i-- > 0;)
      make_concat_home(i);  // homes first: their guests come earlier
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) place(i);
    return std::move(layout_);
  }

 private:
  void describe(std::size_t i) {
    const Node& node = graph_.nodes()[i];
    Value& value = layout_.values[i];
    value.shape = node.output.shape;
    value.dtype = is_picture(node.output) ? types_[i] : node.output.dtype;
    if (is_picture(node.output)) value.pixel_stride = value.channels();
  }

  int new_block(std::size_t i) {
    const Node& node = graph_.nodes()[i];
    const Value& value = layout_.values[i];
    const int first = is<Input>(node) ? 0 : static_cast<int>(i);  // inputs are filled in before the first step
    layout_.blocks.push_back(
        {node.value, static_cast<std::size_t>(value.shape.volume()) * size_of(value.dtype), first, last_[i]});
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
    Value& value = layout_.values[i];
    if (is<Input>(node) && !is_picture(node.output)) return;  // read where the caller has it

    if (node.slot && guest(i, *node.slot)) return;
    if (const auto residual = overwritten_residual(i)) {
      value.block = layout_.values[*residual].block;
      layout_.in_place[i] = true;
      Lifetime& block = layout_.blocks[static_cast<std::size_t>(value.block)];
      block.last = std::max(block.last, last_[i]);
      return;
    }
    value.block = new_block(i);
  }

  /// Lives inside the concat's block, where both are stored alike.
  bool guest(std::size_t i, const ConcatSlot& slot) {
    const Value& home = layout_.values[index_of(slot.concat)];
    Value& value = layout_.values[i];
    if (home.dtype != value.dtype) return false;
    value.block = home.block;
    value.pixel_stride = home.pixel_stride;
    value.offset = static_cast<std::size_t>(slot.channel) * size_of(value.dtype);
    Lifetime& block = layout_.blocks[static_cast<std::size_t>(home.block)];
    block.first = std::min(block.first, static_cast<int>(i));
    block.last = std::max(block.last, last_[i]);
    return true;
  }

  /// The residual input of convolution i if its memory can become the result: it dies here, nothing else reads it in
  /// this step, it is not the caller's, and it is no part of a concat.
  std::optional<std::size_t> overwritten_residual(std::size_t i) const {
    const Node& node = graph_.nodes()[i];
    const auto* conv = std::get_if<Conv2d>(&node.op);
    if (!conv || !conv->residual || node.inputs[0] == node.inputs[1]) return std::nullopt;
    const std::size_t r = index_of(node.inputs[1]);
    const Node& residual = graph_.nodes()[r];
    const Value &from = layout_.values[r], &to = layout_.values[i];
    const bool dies = last_[r] == static_cast<int>(i);
    if (!dies || residual.slot || is<Concat>(residual) || is<Input>(residual) || from.dtype != to.dtype)
      return std::nullopt;
    return r;
  }

  const Graph& graph_;
  std::vector<DType> types_;
  std::vector<int> last_;
  Layout layout_;
};

}  // namespace

Layout lay_out(const Graph& graph, DType precision) {
  return Builder(graph, precision).build();
}

}  // namespace giemsa::cpu
