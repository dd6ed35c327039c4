#include "engine/run/cascade.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "engine/run/session.h"

namespace giemsa {

namespace {

using Clock = std::chrono::steady_clock;

class SessionCascade final : public Cascade {
 public:
  SessionCascade(Backend& backend, const CascadeGraphs& graphs) : detect_(backend.compile(graphs.detect)) {
    detect_->time_layers(true);
    const Graph& detect = detect_->graph();
    frame_bytes_ = static_cast<std::size_t>(detect[detect.inputs()[0]].type.shape.volume());
    if (graphs.classifies()) {
      for (std::size_t i = 0; i < each_.size(); ++i) each_[i] = backend.compile(graphs.each[i]);
      const Graph& each = graphs.each.front();
      columns_ = static_cast<std::size_t>(each[each.outputs()[0]].type.shape[1]);
    }
    regions_.reserve(static_cast<std::size_t>(detect[detect.outputs()[1]].type.shape[0]));
  }

  void warm_up() override {
    const std::vector<std::uint8_t> blank(frame_bytes_);
    run(blank.data());
    if (!classifies()) return;
    regions_.assign(1, Region{0, 0, 1, 1, 1, 0, 0, 0});
    for (std::size_t i = 0; i < each_.size(); ++i) {
      regions_.resize(static_cast<std::size_t>(CascadeGraphs::batch_sizes[i]), regions_.front());
      values_.resize(regions_.size() * columns_);
      run_batch(*each_[i], blank.data(), 0, regions_.size());
    }
    regions_.clear();
    values_.clear();
  }

  void stop_when(const std::atomic<bool>* flag) override {
    detect_->stop_when(flag);
    if (!classifies()) return;
    for (auto& each : each_) each->stop_when(flag);
  }

  void run(const FramePixels& frame) override {
    times_ = {};
    regions_.clear();  // should this run fail, there are no results
    values_.clear();
    check(!frame.on_gpu, ErrorKind::usage,
          "a frame in a GPU's memory is read where that GPU segments and classifies, and nowhere else");
    const void* inputs[] = {frame.data};
    detect_->run(inputs);
    read_stage_times();
    const auto table = detect_->output<std::int32_t>(1);
    check_region_count(table[0]);
    const auto* records = reinterpret_cast<const Region*>(table.data()) + 1;
    regions_.assign(records, records + table[0]);

    if (!classifies()) return;
    const auto start = Clock::now();
    values_.resize(regions_.size() * columns_);
    for (std::size_t first = 0, i = 0; first < regions_.size();) {
      const auto batch = static_cast<std::size_t>(CascadeGraphs::batch_sizes[i]);
      if (batch > regions_.size() - first) {
        ++i;
        continue;
      }
      run_batch(*each_[i], frame.data, first, batch);
      first += batch;
    }
    times_.classify = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  }

  std::span<const Region> regions() const override { return regions_; }
  std::span<const float> values() const override { return values_; }
  const CascadeTimes& times() const override { return times_; }
  MemoryUse memory() const override {
    MemoryUse use = detect_->memory();
    if (classifies())
      for (const auto& each : each_) use += each->memory();
    use.host += regions_.capacity() * sizeof(Region) + values_.capacity() * sizeof(float);
    return use;
  }
  void copy_labels(std::span<std::uint16_t> to) const override {
    std::ranges::transform(detect_->output<std::int32_t>(0), to.begin(),
                           [](std::int32_t label) { return static_cast<std::uint16_t>(label); });
  }

 private:
  bool classifies() const { return each_.front() != nullptr; }

  void read_stage_times() {
    const auto nodes = detect_->graph().nodes();
    for (std::size_t i = 0; i < nodes.size(); ++i)
      (nodes[i].stage == 0 ? times_.segment : times_.postprocess) += detect_->layer_ms()[i];
  }

  void run_batch(Session& session, const std::uint8_t* frame, std::size_t first, std::size_t batch) {
    for (std::size_t i = 0; i < batch; ++i) {
      const Region& region = regions_[first + i];
      const bool seen = region.area > 0;  // a region without pixels takes its turn with any box
      boxes_[i] = seen ? std::array{region.x, region.y, region.w, region.h} : std::array{0, 0, 1, 1};
    }
    const void* inputs[] = {frame, boxes_.data()};
    session.run(inputs);
    std::ranges::copy(session.output<float>(), values_.begin() + static_cast<std::ptrdiff_t>(first * columns_));
  }

  std::unique_ptr<Session> detect_;
  std::array<std::unique_ptr<Session>, CascadeGraphs::batch_sizes.size()> each_;
  std::size_t frame_bytes_ = 0, columns_ = 0;
  std::vector<Region> regions_;
  std::vector<float> values_;
  std::array<std::array<std::int32_t, 4>, CascadeGraphs::batch_sizes.front()> boxes_{};
  CascadeTimes times_;
};

}  // namespace

std::unique_ptr<Cascade> make_session_cascade(Backend& backend, const CascadeGraphs& graphs) {
  return std::make_unique<SessionCascade>(backend, graphs);
}

void check_region_count(std::int32_t count) {
  check(count <= std::numeric_limits<std::uint16_t>::max(), ErrorKind::image, count,
        " components do not fit a 16-bit label image; raise the minimum area");
}

}  // namespace giemsa
