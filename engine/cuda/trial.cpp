#include "engine/cuda/trial.h"

#include <algorithm>

namespace giemsa::cuda {

namespace {

class TimedWork {
 public:
  TimedWork(const std::function<void(Stream)>& work, int runs)
      : runs_(runs), program_([this, &work](Recorder& recorder) {
          start_.record(recorder.stream());
          for (int i = 0; i < runs_; ++i) work(recorder.stream());
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
  Moment start_, end_;
  Program program_;
  std::vector<double> samples_;
};

}  // namespace

std::vector<double> median_us(std::span<const std::function<void(Stream)>> works, int runs, int rounds, Stream stream) {
  std::vector<std::unique_ptr<TimedWork>> timed;
  for (const auto& work : works) timed.push_back(std::make_unique<TimedWork>(work, runs));
  for (int round = 0; round < rounds; ++round)
    for (const auto& work : timed) work->sample(stream);
  std::vector<double> times;
  for (const auto& work : timed) times.push_back(work->median());
  return times;
}

}  // namespace giemsa::cuda
