#include "engine/cpu/session.h"

#include <omp.h>

#include <algorithm>

#include "engine/cpu/elementwise.h"

namespace giemsa::cpu {

Nhwc view_of(const Value& value) {
  const bool rows = value.shape.rank() == 2;
  if (rows) return {value.data, value.dtype, value.shape[0], 1, 1, value.shape[1], value.shape[1], value.scale};
  return {value.data,     value.dtype,    value.shape[0],     value.shape[2],
          value.shape[3], value.shape[1], value.pixel_stride, value.scale};
}

std::span<std::byte> bytes_of(const Value& value) {
  return {value.data, static_cast<std::size_t>(value.shape.volume()) * size_of(value.dtype)};
}

const Value* StepBuilder::scratch_like(DType dtype, const Shape& shape, float scale) {
  const int step = static_cast<int>(index_of(id));
  layout_.blocks.push_back(
      {node.value + " (scratch)", static_cast<std::size_t>(shape.volume()) * size_of(dtype), step, step});
  Value value;
  value.dtype = dtype;
  value.shape = shape;
  value.scale = scale;
  if (shape.rank() == 4) value.pixel_stride = shape[1];
  value.block = static_cast<int>(layout_.blocks.size() - 1);
  return &scratch_.emplace_back(value);
}

std::optional<NodeId> StepBuilder::made_along() const {
  for (std::size_t later = index_of(id) + 1; later < layout_.made_with.size(); ++later)
    if (layout_.made_with[later] == id) return NodeId{static_cast<std::int32_t>(later)};
  return std::nullopt;
}

const Value* StepBuilder::stored_as(DType dtype, const Value* value, std::vector<std::function<void()>>& before) {
  if (value->dtype == dtype) return value;
  const Value* copy = scratch_like(dtype, value->shape);
  before.push_back([copy, value] { copy_pixels(view_of(*copy), view_of(*value)); });
  return copy;
}

const Value* StepBuilder::dense(const Value* value, std::vector<std::function<void()>>& before) {
  if (value->pixel_stride == value->channels()) return value;
  const Value* copy = scratch_like(value->dtype, value->shape, value->scale);
  before.push_back([copy, value] { copy_pixels(view_of(*copy), view_of(*value)); });
  return copy;
}

CpuSession::CpuSession(Graph graph, std::shared_ptr<Context> context)
    : Session(std::move(graph)),
      context_(std::move(context)),
      layout_(lay_out(graph_, {.precision = context_->precision, .int8 = context_->int8})) {
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
    const NodeId id{static_cast<std::int32_t>(i)};
    steps_.push_back(StepBuilder(*context_, graph_, id, layout_, scratch_).build());
  }
  add_exports();
  lifetimes_ = layout_.blocks;
  plan_ = plan_memory(lifetimes_);
  bind();
}

void CpuSession::add_exports() {
  const int after_all = static_cast<int>(graph_.nodes().size());
  for (NodeId id : graph_.outputs()) {
    const Node& node = graph_[id];
    if (!is_picture(node.output)) {
      exports_.push_back(nullptr);
      continue;
    }
    layout_.blocks.push_back({node.value + " (output)",
                              static_cast<std::size_t>(node.output.shape.volume()) * sizeof(float), after_all,
                              after_all});
    Value dense;
    dense.shape = node.output.shape;
    dense.block = static_cast<int>(layout_.blocks.size() - 1);
    exports_.push_back(&scratch_.emplace_back(dense));
  }
}

void CpuSession::bind() {
  arena_ = allocate_pages(plan_.arena_bytes);
  check(arena_ != nullptr, ErrorKind::device, "out of memory: the activations need ", plan_.arena_bytes, " bytes");
  const auto place = [&](Value& value) {
    if (value.block >= 0)
      value.data = arena_.get() + plan_.offsets[static_cast<std::size_t>(value.block)] + value.offset;
  };
  std::ranges::for_each(layout_.values, place);
  std::ranges::for_each(scratch_, place);
  for (Step& step : steps_)
    if (step.bind) step.bind();
}

void CpuSession::begin(std::span<const void* const> inputs) {
  omp_set_num_threads(context_->threads);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const NodeId id = graph_.inputs()[i];
    Value& value = layout_.values[index_of(id)];
    if (is_picture(graph_[id].output)) import_nchw(view_of(value), static_cast<const float*>(inputs[i]));
    // Read-only: no step writes to a value without a block.
    else
      value.data = static_cast<std::byte*>(const_cast<void*>(inputs[i]));
  }
}

void CpuSession::end() {
  for (std::size_t i = 0; i < exports_.size(); ++i)
    if (exports_[i]) export_nchw(exports_[i]->as<float>(), view_of(layout_.values[index_of(graph_.outputs()[i])]));
}

const void* CpuSession::output_data(std::size_t i) const {
  return exports_[i] ? exports_[i]->data : layout_.values[index_of(graph_.outputs()[i])].data;
}

Tensor CpuSession::value_of(NodeId id) const {
  const TensorType& type = graph_[id].output;
  const Value& value = layout_.values[index_of(id)];
  auto bytes =
      std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(type.shape.volume()) * size_of(type.dtype));
  std::byte* data = bytes->data();
  if (is_network_tensor(type))
    export_nchw(reinterpret_cast<float*>(data), view_of(value));
  else
    std::copy_n(value.data, bytes->size(), data);
  return Tensor(type.dtype, type.shape, std::shared_ptr<const std::byte>(std::move(bytes), data));
}

}  // namespace giemsa::cpu
