#include "bench/gpu/layers.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/cuda/fusion.h"

namespace giemsa::bench {

namespace {

std::string shape_text(const Shape& shape) {
  std::string text;
  for (int axis = 0; axis < static_cast<int>(shape.rank()); ++axis) text += cat(axis > 0 ? "x" : "", shape[axis]);
  return text;
}

/// Cells of a smear, boxes {x, y, w, h}: 60 pixels wide and high, as far as the frame has room.
std::vector<std::int32_t> boxes_in(Size2 frame, std::int64_t count) {
  std::vector<std::int32_t> boxes;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t w = std::min<std::int64_t>(60, frame.w), h = std::min<std::int64_t>(60, frame.h);
    for (const std::int64_t value : {i * 37 % (frame.w - w + 1), i * 53 % (frame.h - h + 1), w, h})
      boxes.push_back(static_cast<std::int32_t>(value));
  }
  return boxes;
}

Size2 frame_size(const Graph& graph) {
  for (ValueId id : graph.inputs()) {
    const TensorType& type = graph[id].type;
    if (type.dtype == DType::u8) return {type.shape[1], type.shape[2]};
  }
  fail(ErrorKind::internal, "the graph reads no frame");
}

}  // namespace

std::vector<std::uint8_t> painted_frame(Size2 size) {
  std::vector<std::uint8_t> pixels;
  for (std::int64_t y = 0; y < size.h; ++y)
    for (std::int64_t x = 0; x < size.w; ++x) {
      const auto u = static_cast<double>(x), v = static_cast<double>(y);
      const double wave = std::sin(u * 0.05) * std::cos(v * 0.04) + std::sin((u + 2 * v) * 0.017);
      for (int c = 0; c < 3; ++c)
        pixels.push_back(static_cast<std::uint8_t>(128 + 55 * wave + 15 * std::sin(c * 2.1 + u * 0.05)));
    }
  return pixels;
}

SteppedGraph::SteppedGraph(const Graph& graph, cuda::Context& context)
    : context_(context), graph_(cuda::passes(graph, context)), stage_(graph_, context) {
  stage_.plan_arena();
  arena_ = cuda::device_memory(stage_.plan().arena_bytes);
  zeros_.resize(stage_.plan().arena_bytes);
  stage_.bind_arena(arena_.get());
  const cuda::OwnedStream stream;
  const Size2 frame = frame_size(graph_);
  for (ValueId id : graph_.inputs()) {
    const TensorType& type = graph_[id].type;
    const std::size_t bytes = static_cast<std::size_t>(type.shape.volume()) * size_of(type.dtype);
    Input input{id, cuda::device_memory(bytes)};
    const std::vector<std::uint8_t> pixels = painted_frame(frame);
    const std::vector<std::int32_t> boxes = boxes_in(frame, type.shape[0]);
    const bool is_frame = type.dtype == DType::u8;
    check(is_frame || (type.dtype == DType::i32 && type.shape[1] == 4), ErrorKind::internal, graph_[id].name,
          " is neither frame nor boxes");
    cuda::copy(input.memory.get(), is_frame ? static_cast<const void*>(pixels.data()) : boxes.data(), bytes,
               stream.get());
    cuda::synchronise(stream.get());
    stage_.bind_input(id, input.memory.get());
    inputs_.push_back(std::move(input));
  }
}

double SteppedGraph::stored_bytes(ValueId id) const {
  return static_cast<double>(graph_[id].type.shape.volume()) * static_cast<double>(size_of(stage_.buffer(id).dtype));
}

StepGroup SteppedGraph::describe_step(NodeId id) const {
  const Node& node = graph_[id];
  StepGroup step;
  step.name = node.name;
  step.first = id;
  step.what = describe(node.op);
  step.flops = cost_of(graph_, node).flops;
  const auto* convolution = std::get_if<Conv2d>(&node.op);
  step.is_matrix_product = std::holds_alternative<Linear>(node.op) ||
                           std::holds_alternative<SeparableConv2d>(node.op) ||
                           (convolution && !is_depthwise(*convolution, graph_[node.inputs[0]].type.shape[1]));
  for (const Weights& layer : node.weights) {
    const Tensor& weight = layer.weight;
    if (weight.shape().rank() < 2) continue;  // of a batch normalisation
    const std::size_t element = weight.dtype() == DType::i8 ? 1 : size_of(context_.precision);
    step.bytes += static_cast<double>(weight.size()) * static_cast<double>(element);
  }
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (std::ranges::find(node.inputs.begin(), node.inputs.begin() + static_cast<std::ptrdiff_t>(i), node.inputs[i]) ==
        node.inputs.begin() + static_cast<std::ptrdiff_t>(i))
      step.bytes += stored_bytes(node.inputs[i]);
  for (ValueId output : node.outputs) step.bytes += stored_bytes(output);

  if (!node.inputs.empty()) step.what += cat(' ', shape_text(graph_[node.inputs[0]].type.shape));
  step.what += cat(" -> ", shape_text(graph_[node.outputs.back()].type.shape));
  return step;
}

std::vector<StepGroup> SteppedGraph::groups() const {
  std::vector<StepGroup> groups;
  for (NodeId id : node_ids(graph_)) {
    if (std::holds_alternative<giemsa::Input>(graph_[id].op)) continue;
    StepGroup step = describe_step(id);
    const auto same = std::ranges::find(groups, step.what, &StepGroup::what);
    auto& group = same == groups.end() ? groups.emplace_back(std::move(step)) : *same;
    ++group.count;
  }
  return groups;
}

void SteppedGraph::clear(cuda::Stream stream) {
  cuda::copy(arena_.get(), zeros_.data(), zeros_.size(), stream);
  cuda::synchronise(stream);
}

void SteppedGraph::run_up_to(NodeId id, cuda::Stream stream) {
  for (NodeId before : node_ids(graph_))
    if (before < id) stage_.enqueue(before, stream);
  cuda::synchronise(stream);
}

std::vector<std::byte> SteppedGraph::result_of(ValueId id, cuda::Stream stream) const {
  const Buffer& buffer = stage_.buffer(id);
  const TensorType& type = graph_[id].type;
  std::int64_t elements = type.shape.volume();
  // Up to the last pixel's last channel: a slice of a concatenation ends there.
  if (is_network_tensor(type)) elements = (buffer.pixels() - 1) * buffer.pixel_stride + buffer.channels();
  std::vector<std::byte> bytes(static_cast<std::size_t>(elements) * size_of(buffer.dtype));
  cuda::copy(bytes.data(), buffer.data, bytes.size(), stream);
  cuda::synchronise(stream);
  return bytes;
}

bool SteppedGraph::is_finite(ValueId id, const std::vector<std::byte>& bytes) const {
  const Buffer& buffer = stage_.buffer(id);
  if (!is_network_tensor(graph_[id].type)) return true;
  for (std::int64_t pixel = 0; pixel < buffer.pixels(); ++pixel)
    for (std::int64_t channel = 0; channel < buffer.channels(); ++channel) {
      const auto at = static_cast<std::size_t>(pixel * buffer.pixel_stride + channel) * size_of(buffer.dtype);
      float number = 0;
      if (buffer.dtype == DType::f16) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, bytes.data() + at, sizeof(bits));
        number = f16_to_f32(bits);
      } else {
        std::memcpy(&number, bytes.data() + at, sizeof(number));
      }
      if (!std::isfinite(number)) return false;
    }
  return true;
}

std::vector<std::string> SteppedGraph::verify(cuda::Stream stream) {
  std::vector<std::string> problems;
  std::vector<std::size_t> first(graph_.values().size());
  for (int run = 0; run < 2; ++run) {
    clear(stream);
    for (NodeId id : node_ids(graph_)) {
      stage_.enqueue(id, stream);
      cuda::synchronise(stream);
      for (ValueId output : graph_[id].outputs) {
        const std::vector<std::byte> bytes = result_of(output, stream);
        const std::size_t hash =
            std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        const std::string& name = graph_[output].name;
        if (run == 0 && !is_finite(output, bytes)) problems.push_back(cat("layer ", name, ": not finite"));
        if (run == 0)
          first[index_of(output)] = hash;
        else if (first[index_of(output)] != hash)
          problems.push_back(cat("layer ", name, ": two runs differ"));
      }
    }
  }
  return problems;
}

}  // namespace giemsa::bench
