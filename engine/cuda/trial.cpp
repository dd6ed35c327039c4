#include "engine/cuda/trial.h"

#include <algorithm>

namespace giemsa::cuda {

namespace {

/// Memory that is moved to drive everything else out of L2.
class Flush {
 public:
  explicit Flush(std::size_t l2_bytes)
      : bytes_(2 * l2_bytes), from_(device_memory(bytes_)), to_(device_memory(bytes_)) {}
  void enqueue(Stream stream) const { copy(to_.get(), from_.get(), bytes_, stream); }

 private:
  std::size_t bytes_;
  DeviceMemory from_, to_;
};

class TimedWork {
 public:
  TimedWork(const TimedLaunch& launch, int runs, const Flush& flush)
      : runs_(runs), program_([this, &launch, &flush](Recorder& recorder) {
          flush.enqueue(recorder.stream());
          launch(recorder.stream(), 0);
          start_.record(recorder.stream());
          for (int i = 1; i <= runs_; ++i) launch(recorder.stream(), i);
          end_.record(recorder.stream());
        }) {}

  void sample(Stream stream) {
    program_.launch(stream);
    synchronise(stream);
    samples_.push_back(end_.ms_since(start_) * 1000 / runs_);
  }

  double median() {
    const auto middle = samples_.begin() + static_cast<std::ptrdiff_t>(samples_.size() / 2);
    std::nth_element(samples_.begin(), middle, samples_.end());
    return *middle;
  }

 private:
  int runs_;
  Event start_, end_;
  ExecutableGraph program_;
  std::vector<double> samples_;
};

}  // namespace

std::vector<double> median_us(std::span<const TimedLaunch> launches, int runs, int rounds, std::size_t l2_bytes,
                              Stream stream) {
  const Flush flush(l2_bytes);
  std::vector<std::unique_ptr<TimedWork>> timed;
  for (const TimedLaunch& launch : launches) timed.push_back(std::make_unique<TimedWork>(launch, runs, flush));
  for (int round = 0; round < rounds; ++round)
    for (const auto& work : timed) work->sample(stream);
  std::vector<double> times;
  for (const auto& work : timed) times.push_back(work->median());
  return times;
}

}  // namespace giemsa::cuda
