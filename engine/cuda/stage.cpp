#include "engine/cuda/stage.h"

#include <algorithm>
#include <cstring>

#include "engine/cuda/naming.h"

namespace giemsa::cuda {

Stage::Stage(const Graph& graph, Context& context)
    : graph_(graph), layout_(lay_out(graph, layout_rules(context.precision))) {
  for (NodeId id : node_ids(graph)) {
    StepBuilder builder(context, graph, id, layout_, scratch_);
    steps_.push_back(builder.build());
    computed_by_.push_back(builder.computed_by);
  }
}

const Buffer* Stage::reserve(const std::string& name, std::size_t bytes, int first, int last) {
  layout_.blocks.push_back({name, bytes, first, last});
  Buffer buffer;
  buffer.dtype = DType::u8;
  buffer.shape = Shape{static_cast<std::int64_t>(bytes)};
  buffer.block = static_cast<int>(layout_.blocks.size() - 1);
  return &scratch_.emplace_back(buffer);
}

void Stage::plan_arena() {
  plan_ = plan_memory(layout_.blocks);
}

void Stage::bind_arena(void* arena) {
  const auto place = [&](Buffer& buffer) {
    if (buffer.block < 0) return;
    buffer.data =
        static_cast<std::byte*>(arena) + plan_.offsets[static_cast<std::size_t>(buffer.block)] + buffer.offset;
  };
  std::ranges::for_each(layout_.buffers, place);
  std::ranges::for_each(scratch_, place);
}

void Stage::bind_input(ValueId id, void* data) {
  layout_.buffers[index_of(id)].data = static_cast<std::byte*>(data);
}

void Stage::warm_up() const {
  if (std::ranges::all_of(computed_by_, &std::string::empty)) return;
  const OwnedStream stream;
  for (std::size_t i = 0; i < steps_.size(); ++i)
    if (!computed_by_[i].empty()) enqueue(NodeId{static_cast<std::int32_t>(i)}, stream.get());
  synchronise(stream.get());
}

void Stage::enqueue(NodeId id, Stream stream) const {
  const Step& step = steps_[index_of(id)];
  if (step) naming("layer " + graph_[id].name, [&] { step(stream); });
}

void Stage::enqueue_all(Stream stream) const {
  for (std::size_t i = 0; i < steps_.size(); ++i) enqueue(NodeId{static_cast<std::int32_t>(i)}, stream);
}

void Upload::enqueue(void* to, const void* from, Stream stream) const {
  if (is_pinned(from)) return copy(to, from, bytes_, stream);
  constexpr std::size_t part = std::size_t{256} << 10;
  for (std::size_t begin = 0; begin < bytes_; begin += part) {
    const std::size_t bytes = std::min(part, bytes_ - begin);
    auto* staged = static_cast<std::byte*>(staging_.get()) + begin;
    std::memcpy(staged, static_cast<const std::byte*>(from) + begin, bytes);
    copy(static_cast<std::byte*>(to) + begin, staged, bytes, stream);
  }
}

}  // namespace giemsa::cuda
