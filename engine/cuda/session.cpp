#include "engine/cuda/session.h"

#include <utility>

#include "engine/base/environment.h"
#include "kernels/layout.h"

namespace giemsa::cuda {

namespace {

/// A network tensor's own layout against the host's dense NCHW (or {N,K}).
kernels::LayoutParams layout_params(const Buffer& buffer) {
  const bool map = buffer.shape.rank() == 4;
  const auto extent = [&](int axis) { return map ? static_cast<int>(buffer.shape[axis]) : 1; };
  return {.images = static_cast<int>(buffer.shape[0]),
          .channels = static_cast<int>(buffer.shape[1]),
          .map = {extent(2), extent(3)},
          .pixel_stride = static_cast<int>(buffer.pixel_stride)};
}

std::size_t planar_bytes(const TensorType& type) {
  return static_cast<std::size_t>(type.shape.volume()) * size_of(type.dtype);
}

bool asked_to_synchronise() {
  const std::string_view value = environment("GIEMSA_SYNC");
  return !value.empty() && value != "0";
}

}  // namespace

CudaSession::CudaSession(Graph graph, std::shared_ptr<Context> context)
    : Session(std::move(graph)),
      context_(std::move(context)),
      stage_(graph_, *context_),
      synchronous_(asked_to_synchronise()) {
  for (ValueId id : graph_.inputs()) {
    const TensorType& type = graph_[id].type;
    const std::size_t bytes = planar_bytes(type);
    const bool network = is_network_tensor(type);
    imports_.push_back({Upload(bytes), device_memory(network ? 0 : bytes),
                        network ? stage_.reserve(graph_[id].name + " (input)", bytes, 0, 0) : nullptr});
    if (!network) stage_.bind_input(id, imports_.back().frame.get());
  }
  const int after_all = static_cast<int>(graph_.nodes().size());
  for (ValueId id : graph_.outputs()) {
    const TensorType& type = graph_[id].type;
    const std::size_t bytes = planar_bytes(type);
    exports_.push_back(
        {is_network_tensor(type) ? stage_.reserve(graph_[id].name + " (output)", bytes, after_all, after_all) : nullptr,
         bytes, pinned_memory(bytes)});
  }
  stage_.plan_arena();
  plan_ = stage_.plan();
  lifetimes_ = stage_.lifetimes();
  arena_ = device_memory(plan_.arena_bytes);
  stage_.bind_arena(arena_.get());
  stage_.warm_up();
}

MemoryUse CudaSession::memory() const {
  MemoryUse use{0, plan_.arena_bytes};
  for (const Import& import : imports_) {
    use.host += import.upload.bytes();
    if (import.frame) use.device += import.upload.bytes();
  }
  for (const Export& result : exports_) use.host += result.bytes;
  return use;
}

void CudaSession::begin(std::span<const void* const> inputs) {
  use_gpu(context_->gpu.index);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Import& import = imports_[i];
    import.upload.enqueue(import.planar ? import.planar->data : import.frame.get(), inputs[i], stream_.get());
  }
}

void CudaSession::enqueue_imports(Stream stream) const {
  for (std::size_t i = 0; i < imports_.size(); ++i) {
    if (!imports_[i].planar) continue;
    const Buffer& to = stage_.buffer(graph_.inputs()[i]);
    const float* from = imports_[i].planar->raw<float>();
    with_type(to.dtype, [&]<class T>() {
      if (to.shape.rank() == 4) return kernels::nchw_to_nhwc(to.as<T>(), from, layout_params(to), stream);
      kernels::LayoutParams rows = layout_params(to);  // become padded, as a Flatten's do
      rows.image_stride = std::exchange(rows.pixel_stride, rows.channels);
      kernels::nhwc_to_nchw(to.as<T>(), from, rows, stream);
    });
  }
}

void CudaSession::enqueue_exports(Stream stream) const {
  for (std::size_t i = 0; i < exports_.size(); ++i) {
    const Buffer& from = stage_.buffer(graph_.outputs()[i]);
    const Export& to = exports_[i];
    if (to.planar)
      with_type(from.dtype, [&]<class T>() {
        kernels::nhwc_to_nchw(to.planar->raw<float>(), from.as<T>(), layout_params(from), stream);
      });
    copy(to.host.get(), to.planar ? to.planar->data : from.data, to.bytes, stream);
  }
}

void CudaSession::run_node(NodeId id) {
  if (index_of(id) == 0) enqueue_imports(stream_.get());
  stage_.enqueue(id, stream_.get());
  if (!synchronous_) return;
  try {
    wait();
  } catch (const Error& error) {
    fail(error.kind(), "layer ", graph_[id].name, ": ", error.what());
  }
}

void CudaSession::end() {
  enqueue_exports(stream_.get());
  wait();
}

void CudaSession::run_all() {
  if (synchronous_) return Session::run_all();
  if (!program_)
    program_.emplace([this](Recorder& recorder) {
      enqueue_imports(recorder.stream());
      stage_.enqueue_all(recorder.stream());
      enqueue_exports(recorder.stream());
    });
  program_->launch(stream_.get());
  wait();
}

void CudaSession::run_timed(std::span<double> layer_ms) {
  if (synchronous_) return Session::run_timed(layer_ms);
  if (!timed_) {
    auto timed = std::make_unique<Timed>();
    timed->moments.resize(graph_.nodes().size() + 1);
    timed->program.emplace([this, &moments = timed->moments](Recorder& recorder) {
      moments.front().record(recorder.stream());
      enqueue_imports(recorder.stream());
      for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
        stage_.enqueue(NodeId{static_cast<std::int32_t>(i)}, recorder.stream());
        moments[i + 1].record(recorder.stream());
      }
      enqueue_exports(recorder.stream());
    });
    timed_ = std::move(timed);
  }
  timed_->program->launch(stream_.get());
  wait();
  for (std::size_t i = 0; i < layer_ms.size(); ++i) layer_ms[i] = timed_->moments[i + 1].ms_since(timed_->moments[i]);
}

Tensor CudaSession::value_of(ValueId id) const {
  const TensorType& type = graph_[id].type;
  const Buffer& buffer = stage_.buffer(id);
  if (!is_network_tensor(type)) {
    auto bytes = std::make_shared<std::vector<std::byte>>(planar_bytes(type));
    copy(bytes->data(), buffer.data, bytes->size(), stream_.get());
    synchronise(stream_.get());
    const std::byte* data = bytes->data();
    return Tensor(type.dtype, type.shape, std::shared_ptr<const std::byte>(std::move(bytes), data));
  }

  // A feature map that a Flatten left as it lies is brought into the order of rows.
  const Buffer& map = buffer.channels_last ? stage_.buffer(graph_.producer_of(id).inputs[0]) : buffer;
  std::vector<float> values(static_cast<std::size_t>(type.shape.volume()));
  const DeviceMemory planar = device_memory(values.size() * sizeof(float));
  with_type(map.dtype, [&]<class T>() {
    kernels::nhwc_to_nchw(static_cast<float*>(planar.get()), reinterpret_cast<const T*>(buffer.data),
                          layout_params(map), stream_.get());
  });
  copy(values.data(), planar.get(), values.size() * sizeof(float), stream_.get());
  synchronise(stream_.get());
  return Tensor::from(type.shape, std::move(values));
}

}  // namespace giemsa::cuda
