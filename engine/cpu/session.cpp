#include "engine/cpu/session.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/cpu/layers/elementwise.h"

namespace giemsa::cpu {

kernels::Element element_for(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return kernels::Element::f32;
    case DType::bf16:
      return kernels::Element::bf16;
    case DType::u8:
      return kernels::Element::u8;
    case DType::i8:
      return kernels::Element::i8;
    default:
      fail(ErrorKind::internal, "no kernel of the CPU reads a feature map of ", dtype);
  }
}

kernels::Nhwc view_of(const Buffer& buffer) {
  const Shape& s = buffer.shape;
  const kernels::Element element = element_for(buffer.dtype);
  if (s.rank() == 2) return {buffer.data, element, s[0], 1, 1, s[1], s[1], buffer.scale};
  return {buffer.data, element, s[0], s[2], s[3], s[1], buffer.pixel_stride, buffer.scale};
}

std::span<std::byte> bytes_of(const Buffer& buffer) {
  return {buffer.data, static_cast<std::size_t>(buffer.shape.volume()) * size_of(buffer.dtype)};
}

Step sequence(Actions before, std::function<void()> action) {
  before.push_back(std::move(action));
  return {{}, [before = std::move(before)] {
            for (const auto& step : before) step();
          }};
}

Step StepBuilder::build() {
  return std::visit(
      [&]<class T>(const T& op) -> Step {
        if constexpr (std::is_same_v<T, Input>)
          return {{}, [] {}};
        else
          return step_of(*this, op);
      },
      node.op);
}

const Buffer* StepBuilder::scratch_like(DType dtype, const Shape& shape, float scale) {
  const int step = static_cast<int>(index_of(id_));
  layout_.blocks.push_back({graph_[node.outputs.back()].name + " (scratch)",
                            static_cast<std::size_t>(shape.volume()) * size_of(dtype), step, step});
  Buffer buffer;
  buffer.dtype = dtype;
  buffer.shape = shape;
  buffer.scale = scale;
  if (shape.rank() == 4) buffer.pixel_stride = shape[1];
  buffer.block = static_cast<int>(layout_.blocks.size() - 1);
  return &scratch_.emplace_back(buffer);
}

const Buffer* StepBuilder::stored_as(DType dtype, const Buffer* buffer, Actions& before) {
  if (buffer->dtype == dtype) return buffer;
  const Buffer* copy = scratch_like(dtype, buffer->shape);
  before.push_back([copy, buffer] { kernels::copy_pixels(view_of(*copy), view_of(*buffer)); });
  return copy;
}

const Buffer* StepBuilder::dense(const Buffer* buffer, Actions& before) {
  if (buffer->pixel_stride == buffer->channels()) return buffer;
  const Buffer* copy = scratch_like(buffer->dtype, buffer->shape, buffer->scale);
  before.push_back([copy, buffer] { kernels::copy_pixels(view_of(*copy), view_of(*buffer)); });
  return copy;
}

const Buffer* StepBuilder::dense_fp32_result() {
  const Buffer* dst = output();
  const bool direct = dst->dtype == DType::f32 && dst->pixel_stride == dst->channels();
  return direct ? dst : scratch_like(DType::f32, dst->shape);
}

Step StepBuilder::deliver(Actions actions, const Buffer* result) const {
  if (const Buffer* dst = output(); result != dst)
    actions.push_back([result, dst] { kernels::copy_pixels(view_of(*dst), view_of(*result)); });
  std::function<void()> last = std::move(actions.back());
  actions.pop_back();
  return sequence(std::move(actions), std::move(last));
}

void StepBuilder::no_kernel(std::string_view why) const {
  fail(ErrorKind::model, "layer ", node.name, ": the CPU has no kernel for ", name_of(node.op), ": ", why);
}

CpuSession::CpuSession(Graph graph, std::shared_ptr<Context> context)
    : Session(std::move(graph)),
      context_(std::move(context)),
      layout_(lay_out(graph_, {.precision = context_->precision, .int8 = context_->int8})) {
  const kernels::ExecutorScope scope(context_->executor.get());  // scratch is sized for its threads
  for (NodeId id : node_ids(graph_)) steps_.push_back(StepBuilder(*context_, graph_, id, layout_, scratch_).build());
  add_exports();
  lifetimes_ = layout_.blocks;
  plan_ = plan_memory(lifetimes_);
  bind();
}

CpuSession::~CpuSession() {
  steps_.clear();  // they hold what they read of the weights
  context_->weights.trim();
}

void CpuSession::add_exports() {
  const int after_all = static_cast<int>(graph_.nodes().size());
  for (ValueId id : graph_.outputs()) {
    const Value& value = graph_[id];
    if (!is_feature_map(value.type)) {
      exports_.push_back(nullptr);
      continue;
    }
    layout_.blocks.push_back({value.name + " (output)",
                              static_cast<std::size_t>(value.type.shape.volume()) * sizeof(float), after_all,
                              after_all});
    Buffer dense;
    dense.shape = value.type.shape;
    dense.block = static_cast<int>(layout_.blocks.size() - 1);
    exports_.push_back(&scratch_.emplace_back(dense));
  }
}

void CpuSession::bind() {
  arena_ = allocate_pages(plan_.arena_bytes, context_->memory, "activations");
  const auto place = [&](Buffer& buffer) {
    if (buffer.block >= 0)
      buffer.data = arena_.get() + plan_.offsets[static_cast<std::size_t>(buffer.block)] + buffer.offset;
  };
  std::ranges::for_each(layout_.buffers, place);
  std::ranges::for_each(scratch_, place);
  for (Step& step : steps_)
    if (step.bind) step.bind();
}

void CpuSession::begin(std::span<const void* const> inputs) {
  const kernels::ExecutorScope scope(context_->executor.get());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ValueId id = graph_.inputs()[i];
    Buffer& buffer = layout_.buffers[index_of(id)];
    if (is_feature_map(graph_[id].type))
      kernels::import_nchw(view_of(buffer), static_cast<const float*>(inputs[i]));
    else  // Read-only: no step writes to a buffer without a block.
      buffer.data = static_cast<std::byte*>(const_cast<void*>(inputs[i]));
  }
}

void CpuSession::run_node(NodeId id) {
  const kernels::ExecutorScope scope(context_->executor.get());
  try {
    steps_[index_of(id)].run();
  } catch (const std::invalid_argument& error) {  // a kernel's precondition
    fail(ErrorKind::internal, "layer ", graph_[id].name, ": ", error.what());
  }
}

void CpuSession::end() {
  const kernels::ExecutorScope scope(context_->executor.get());
  for (std::size_t i = 0; i < exports_.size(); ++i)
    if (exports_[i])
      kernels::export_nchw(exports_[i]->as<float>(), view_of(layout_.buffers[index_of(graph_.outputs()[i])]));
}

const void* CpuSession::output_data(std::size_t i) const {
  return exports_[i] ? exports_[i]->data : layout_.buffers[index_of(graph_.outputs()[i])].data;
}

Tensor CpuSession::value_of(ValueId id) const {
  const TensorType& type = graph_[id].type;
  const Buffer& buffer = layout_.buffers[index_of(id)];
  auto bytes =
      std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(type.shape.volume()) * size_of(type.dtype));
  std::byte* data = bytes->data();
  if (is_network_tensor(type))
    kernels::export_nchw(reinterpret_cast<float*>(data), view_of(buffer));
  else
    std::copy_n(buffer.data, bytes->size(), data);
  return Tensor(type.dtype, type.shape, std::shared_ptr<const std::byte>(std::move(bytes), data));
}

}  // namespace giemsa::cpu
