#include "tools/bench/calls.h"

#include <algorithm>
#include <thread>

namespace giemsa::bench {

void repeat(const Duration& duration, const std::function<void(std::size_t)>& call) {
  const bool limited = duration.iterations > 0;
  const std::size_t least = limited ? std::min(duration.least, duration.iterations) : duration.least;
  const auto start = Clock::now();
  for (std::size_t i = 0; !limited || i < duration.iterations; ++i) {
    if (i >= least && ms_since(start) >= duration.seconds * 1000) break;
    call(i);
  }
}

void warm_up(const Schedule& schedule, const std::function<void(std::size_t)>& call) {
  repeat({.iterations = 0, .seconds = schedule.warm_up_seconds, .least = 3}, call);
}

double first_after_idle(const Schedule& schedule, const std::function<void()>& call) {
  std::this_thread::sleep_for(std::chrono::duration<double>(schedule.idle_seconds));
  const auto start = Clock::now();
  call();
  return ms_since(start);
}

}  // namespace giemsa::bench
