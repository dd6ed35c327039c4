#include "bench/gpu/timing.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace giemsa::bench {

namespace {

constexpr double replay_us = 200;     // long against the start of a graph
constexpr double budget_us = 20'000;  // a measurement; the samples that fit in, within these limits
constexpr int least_samples = 9, most_samples = 60;

int samples_within_budget(double us) {
  return static_cast<int>(std::clamp(budget_us / std::max(us, 1.0), double{least_samples}, double{most_samples}));
}

}  // namespace

Timing summarise(std::vector<double> times) {
  if (times.empty()) return {};
  std::ranges::sort(times);
  const auto rank = [&](double share) {
    const auto n = static_cast<double>(times.size());
    return times[static_cast<std::size_t>(std::max(std::ceil(share * n), 1.0)) - 1];
  };
  return {rank(0.5), rank(0.9), rank(0.99), static_cast<int>(times.size())};
}

Stopwatch::Stopwatch(std::size_t flushed_bytes)
    : bytes_(flushed_bytes), from_(cuda::device_memory(bytes_)), to_(cuda::device_memory(bytes_)) {}

Timing Stopwatch::intervals(int samples, const Work& before, const Work& timed) {
  struct Interval {
    cuda::Event start, end;
  };
  std::vector<std::unique_ptr<Interval>> taken;
  for (int i = 0; i < samples; ++i) {
    before(stream());
    const auto& interval = taken.emplace_back(std::make_unique<Interval>());
    interval->start.record(stream());
    timed(stream());
    interval->end.record(stream());
  }
  cuda::synchronise(stream());
  std::vector<double> times;
  for (const auto& interval : taken) times.push_back(1000 * interval->end.ms_since(interval->start));
  return summarise(std::move(times));
}

double Stopwatch::estimate_us(const Work& work) {
  cuda::ExecutableGraph once([&](cuda::Recorder& recorder) { work(recorder.stream()); });
  once.launch(stream());
  cuda::synchronise(stream());
  return intervals(
             3, [](cuda::Stream) {}, [&](cuda::Stream s) { once.launch(s); })
      .median;
}

Timing Stopwatch::in_graph(const Work& work) {
  const int runs = static_cast<int>(std::clamp(replay_us / std::max(estimate_us(work), 1.0), 1.0, 100.0));
  cuda::ExecutableGraph program([&](cuda::Recorder& recorder) {
    for (int i = 0; i < runs; ++i) work(recorder.stream());
  });
  program.launch(stream());
  const Timing warm_up = intervals(
      2, [](cuda::Stream) {}, [&](cuda::Stream s) { program.launch(s); });
  Timing timing = intervals(
      samples_within_budget(warm_up.median), [](cuda::Stream) {}, [&](cuda::Stream s) { program.launch(s); });
  timing.median /= runs;
  timing.p90 /= runs;
  timing.p99 /= runs;
  return timing;
}

Timing Stopwatch::after_flush(const Work& work) {
  const Work flush = [this](cuda::Stream s) { cuda::copy(to_.get(), from_.get(), bytes_, s); };
  const Timing warm_up = intervals(2, flush, work);
  return intervals(samples_within_budget(warm_up.median + 100), flush, work);
}

Timing Stopwatch::empty_interval() {
  return after_flush([](cuda::Stream) {});
}

}  // namespace giemsa::bench
