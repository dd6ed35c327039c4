// How long work on the GPU takes: the one stopwatch of these benchmarks.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "engine/cuda/runtime.h"

namespace giemsa::bench {

/// Microseconds.
struct Timing {
  double median = 0, p90 = 0, p99 = 0;
  int samples = 0;
};

/// Of any times, by nearest rank: each figure is a time that was measured.
Timing summarise(std::vector<double> times);

/// What is timed: enqueues the same launches each time it is called.
using Work = std::function<void(cuda::Stream)>;

/// Times with events, on a stream of its own. Everything here throws what a launch throws.
class Stopwatch {
 public:
  /// `flushed_bytes`: twice the L2 cache or more.
  explicit Stopwatch(std::size_t flushed_bytes);

  /// Many runs of `work`, recorded in one CUDA graph that is replayed: inputs and outputs stay in L2 as far as they
  /// fit, and the host takes no part. A sample is a replay's time divided by its runs.
  Timing in_graph(const Work& work);

  /// Each run after 2 * flushed_bytes were moved through L2, between two events. An empty interval is not 0: see
  /// empty_interval().
  Timing after_flush(const Work& work);

  /// What after_flush() says of no work.
  Timing empty_interval();

  cuda::Stream stream() const { return stream_.get(); }

 private:
  double estimate_us(const Work& work);
  Timing intervals(int samples, const Work& before, const Work& timed);

  cuda::OwnedStream stream_;
  std::size_t bytes_;
  cuda::DeviceMemory from_, to_;
};

}  // namespace giemsa::bench
