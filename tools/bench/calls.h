// Calls of one thing, over and over.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

namespace giemsa::bench {

using Clock = std::chrono::steady_clock;

inline double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// How long to go on: to whichever comes first, but `least` calls at any rate.
struct Duration {
  std::size_t iterations = 0;  ///< 0: no limit
  double seconds = 10;
  std::size_t least = 10;  ///< where `iterations` does not say less
};

/// Calls `call(i)` for i = 0, 1, ...; one caller who waits for each result (a closed loop).
void repeat(const Duration& duration, const std::function<void(std::size_t)>& call);

/// Settings of a whole measurement.
struct Schedule {
  Duration timed;
  double warm_up_seconds = 0.5;
  double idle_seconds = 10;  ///< before one more call; 0: none
};

/// The untimed calls before the timed ones.
void warm_up(const Schedule& schedule, const std::function<void(std::size_t)>& call);

/// Waits, then times one call in ms.
double first_after_idle(const Schedule& schedule, const std::function<void()>& call);

}  // namespace giemsa::bench
