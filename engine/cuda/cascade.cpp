// On the stream: detect -> labels narrowed and copied back beside what follows -> batches of 16, 4 and 1 regions ->
// table and values copied back. A batch size is used while more regions are left than half of it, so that at most half
// of a batch is empty: with 5 left, 4 + 1 cost less than 16.
#include "engine/cuda/cascade.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/labels.h"

namespace giemsa::cuda {

namespace {

using kernels::BatchCursor;
using kernels::ComponentCount;

constexpr std::size_t sizes = CascadeGraphs::batch_sizes.size();

int batch_size(std::size_t i) {
  return static_cast<int>(CascadeGraphs::batch_sizes[i]);
}

/// Batches of size i are taken while more regions than this are left.
int more_than(std::size_t i) {
  return batch_size(i) / 2;  // of 1: 0
}

/// Records of the table, and their values, that are copied back whether they are used or not: one copy then serves all
/// but the most crowded images.
constexpr std::int64_t usual_regions = 256;

class CudaCascade final : public Cascade {
 public:
  CudaCascade(const CascadeGraphs& graphs, std::shared_ptr<Context> context, LoopControl loop_control)
      : context_(std::move(context)),
        graphs_(graphs),
        loop_control_(loop_control),
        detect_(graphs_.detect, *context_),
        labels_id_(graphs_.detect.outputs()[0]),
        regions_id_(graphs_.detect.outputs()[1]),
        frame_bytes_(static_cast<std::size_t>(graphs_.detect[graphs_.detect.inputs()[0]].type.shape.volume())),
        upload_(frame_bytes_),
        memory_{upload_.bytes(), frame_bytes_},
        frame_(device_memory(frame_bytes_)) {
    for (std::size_t i = 0; i < sizes; ++i) each_[i].emplace(graphs_.each[i], *context_);
    const Graph& each = graphs_.each.front();
    columns_ = each[each.outputs()[0]].type.shape[1];
    label_count_ = graphs_.detect[labels_id_].type.shape.volume();
    capacity_ = graphs_.detect[regions_id_].type.shape[0] - 1;
    reserve_memory();
    if (loop_control_ == LoopControl::device)
      whole_.emplace([this](Recorder& recorder) { record_whole(recorder); });
    else
      record_parts();
  }

  void warm_up() override {
    const std::vector<std::uint8_t> blank(frame_bytes_);
    run(blank.data());
  }

  void stop_when(const std::atomic<bool>* flag) override { stop_ = flag; }

  void run(const FramePixels& frame) override {
    times_ = {};
    count_ = 0;  // should this run fail, there are no results
    use_gpu(context_->gpu.index);
    if (frame.on_gpu)
      take_from_gpu(frame);
    else
      upload_.enqueue(frame_.get(), frame.data, stream_.get());
    if (loop_control_ == LoopControl::device) {
      whole_->launch(stream_.get());
    } else {
      detect_program_->launch(stream_.get());
      synchronise(stream_.get());
      start_batches_from_host();
      results_program_->launch(stream_.get());
    }
    synchronise(stream_.get());
    check(!stop_ || !stop_->load(), ErrorKind::cancelled, "cancelled");
    const std::int32_t count = static_cast<const ComponentCount*>(table_host_.get())->count;
    check_region_count(count);
    if (count > usual_regions) copy_rest(count);
    count_ = static_cast<std::size_t>(count);
    times_ = {segmented_.ms_since(started_), detected_.ms_since(segmented_), ended_.ms_since(detected_)};
  }

  std::span<const Region> regions() const override {
    return {reinterpret_cast<const Region*>(static_cast<const ComponentCount*>(table_host_.get()) + 1), count_};
  }
  std::span<const float> values() const override {
    return {static_cast<const float*>(values_host_.get()), count_ * static_cast<std::size_t>(columns_)};
  }
  const CascadeTimes& times() const override { return times_; }
  MemoryUse memory() const override { return memory_; }
  void copy_labels(std::span<std::uint16_t> to) const override {
    std::memcpy(to.data(), labels_host_.get(), to.size_bytes());
  }

 private:
  void take_from_gpu(const FramePixels& frame) {
    check_readable(frame.data, context_->gpu.index);
    const Shape& shape = graphs_.detect[graphs_.detect.inputs()[0]].type.shape;
    const auto rows = static_cast<std::size_t>(shape[1]);
    wait_for(stream_.get(), static_cast<Stream>(frame.stream));
    copy_rows(frame_.get(), frame.data, frame_bytes_ / rows, frame.row_stride, rows, stream_.get());
  }

  DeviceMemory on_device(std::size_t bytes) {
    memory_.device += bytes;
    return device_memory(bytes);
  }
  PinnedMemory on_host(std::size_t bytes) {
    memory_.host += bytes;
    return pinned_memory(bytes);
  }

  void reserve_memory() {
    detect_.plan_arena();
    detect_arena_ = on_device(detect_.plan().arena_bytes);
    detect_.bind_arena(detect_arena_.get());
    detect_.bind_input(graphs_.detect.inputs()[0], frame_.get());
    detect_.warm_up();

    boxes_ = on_device(sizeof(kernels::CropBox) * static_cast<std::size_t>(batch_size(0)));
    std::size_t bytes = 0;
    for (auto& each : each_) {
      each->plan_arena();
      bytes = std::max(bytes, each->plan().arena_bytes);
    }
    each_arena_ = on_device(bytes);  // they take turns
    for (std::size_t i = 0; i < sizes; ++i) {
      each_[i]->bind_arena(each_arena_.get());
      each_[i]->bind_input(graphs_.each[i].inputs()[0], frame_.get());
      each_[i]->bind_input(graphs_.each[i].inputs()[1], boxes_.get());
      each_[i]->warm_up();
    }

    const auto regions = static_cast<std::size_t>(std::max<std::int64_t>(capacity_, 1));
    cursor_ = on_device(sizeof(BatchCursor));
    values_ = on_device(regions * static_cast<std::size_t>(columns_) * sizeof(float));
    labels_ = on_device(static_cast<std::size_t>(label_count_) * sizeof(std::uint16_t));
    labels_host_ = on_host(static_cast<std::size_t>(label_count_) * sizeof(std::uint16_t));
    table_host_ = on_host((1 + regions) * sizeof(Region));
    values_host_ = on_host(regions * static_cast<std::size_t>(columns_) * sizeof(float));
  }

  const ComponentCount* table() const { return detect_.buffer(regions_id_).as<ComponentCount>(); }
  BatchCursor* cursor() const { return static_cast<BatchCursor*>(cursor_.get()); }

  void enqueue_detect(Stream stream) {
    started_.record(stream);
    int stage = 0;
    for (NodeId id : node_ids(graphs_.detect)) {
      if (stage == 0 && graphs_.detect[id].stage > 0) {
        segmented_.record(stream);
        stage = graphs_.detect[id].stage;
      }
      detect_.enqueue(id, stream);
    }
    check(stage > 0, ErrorKind::internal, "the graph that finds regions has one stage, expected two");
    kernels::start_batches(cursor(), table(), stream);
    detected_.record(stream);
  }

  void enqueue_labels(Stream stream) {
    auto* narrow = static_cast<std::uint16_t*>(labels_.get());
    kernels::narrow_labels(narrow, detect_.buffer(labels_id_).as<std::int32_t>(), label_count_, stream);
    copy(labels_host_.get(), narrow, static_cast<std::size_t>(label_count_) * sizeof(std::uint16_t), stream);
  }

  void enqueue_batch(std::size_t i, Stream stream) {
    const Graph& graph = graphs_.each[i];
    const Buffer& rows = each_[i]->buffer(graph.outputs()[0]);
    kernels::take_batch(static_cast<kernels::CropBox*>(boxes_.get()), cursor(), table(), batch_size(i), stream);
    each_[i]->enqueue_all(stream);
    kernels::deliver_batch(static_cast<float*>(values_.get()), cursor(), rows.as<float>(), batch_size(i),
                           static_cast<int>(columns_), static_cast<int>(rows.pixel_stride), stream);
  }

  void enqueue_results(Stream stream) {
    const auto regions = static_cast<std::size_t>(std::min(capacity_, usual_regions));
    copy(table_host_.get(), table(), (1 + regions) * sizeof(Region), stream);
    copy(values_host_.get(), values_.get(), regions * static_cast<std::size_t>(columns_) * sizeof(float), stream);
    ended_.record(stream);
  }

  void record_whole(Recorder& recorder) {
    const Stream stream = recorder.stream();
    enqueue_detect(stream);
    recorder.beside([&](Stream side) { enqueue_labels(side); });
    for (std::size_t i = 0; i < sizes; ++i) {
      const Condition left = recorder.condition();
      kernels::loop_while_left(left, cursor(), more_than(i), stream);
      recorder.repeat(left, [&](Stream inside) {
        enqueue_batch(i, inside);
        kernels::loop_while_left(left, cursor(), more_than(i), inside);
      });
    }
    enqueue_results(stream);
  }

  void record_parts() {
    detect_program_.emplace([this](Recorder& recorder) {
      enqueue_detect(recorder.stream());
      enqueue_labels(recorder.stream());
      copy(table_host_.get(), table(), sizeof(ComponentCount), recorder.stream());
    });
    for (std::size_t i = 0; i < sizes; ++i)
      batch_programs_[i].emplace([this, i](Recorder& recorder) { enqueue_batch(i, recorder.stream()); });
    results_program_.emplace([this](Recorder& recorder) { enqueue_results(recorder.stream()); });
  }

  void start_batches_from_host() {
    std::int32_t left = static_cast<const ComponentCount*>(table_host_.get())->count;
    for (std::size_t i = 0; i < sizes; ++i)
      for (; left > more_than(i); left -= batch_size(i)) batch_programs_[i]->launch(stream_.get());
  }

  /// What enqueue_results() left behind.
  void copy_rest(std::int32_t count) {
    const auto done = static_cast<std::size_t>(usual_regions), rest = static_cast<std::size_t>(count) - done;
    const auto part = [&](const PinnedMemory& host, const void* device, std::size_t record, std::size_t skipped) {
      copy(static_cast<std::byte*>(host.get()) + skipped * record,
           static_cast<const std::byte*>(device) + skipped * record, rest * record, stream_.get());
    };
    part(table_host_, table(), sizeof(Region), 1 + done);
    part(values_host_, values_.get(), static_cast<std::size_t>(columns_) * sizeof(float), done);
    synchronise(stream_.get());
  }

  std::shared_ptr<Context> context_;
  CascadeGraphs graphs_;
  LoopControl loop_control_;
  const std::atomic<bool>* stop_ = nullptr;
  Stage detect_;
  std::array<std::optional<Stage>, sizes> each_;
  ValueId labels_id_, regions_id_;
  std::int64_t columns_ = 0, label_count_ = 0, capacity_ = 0;

  OwnedStream stream_;
  std::size_t frame_bytes_;
  Upload upload_;
  MemoryUse memory_;
  DeviceMemory frame_, detect_arena_, each_arena_, boxes_, cursor_, values_, labels_;
  PinnedMemory labels_host_, table_host_, values_host_;
  Event started_, segmented_, detected_, ended_;
  std::optional<ExecutableGraph> whole_;                              // LoopControl::device
  std::optional<ExecutableGraph> detect_program_, results_program_;   // LoopControl::host
  std::array<std::optional<ExecutableGraph>, sizes> batch_programs_;  // LoopControl::host

  std::size_t count_ = 0;
  CascadeTimes times_;
};

}  // namespace

std::unique_ptr<Cascade> make_cascade(const CascadeGraphs& graphs, std::shared_ptr<Context> context,
                                      LoopControl loop_control) {
  return std::make_unique<CudaCascade>(graphs, std::move(context), loop_control);
}

}  // namespace giemsa::cuda
