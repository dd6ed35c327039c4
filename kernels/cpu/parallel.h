// How kernels share work among threads: the one place that knows OpenMP. A kernel says what one row, tile or block of
// outputs takes, and these loops call it; each loop returns when all of its calls have.
#pragma once

#include <omp.h>

#include <cstdint>

namespace giemsa::kernels::cpu {

/// The most threads that a loop started here and now would run on.
inline int max_threads() {
  return omp_get_max_threads();
}

/// Calls body(i) for i in [0, count), each thread a contiguous range of about equal length: for work of equal pieces,
/// whose neighbours share cache lines.
template <class Body>
void parallel_for(std::int64_t count, const Body& body) {
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < count; ++i) body(i);
}

/// The same, but a thread that has time takes the next `chunk` indices: for pieces of unequal length, and for cores of
/// unequal speed.
template <class Body>
void parallel_for_dynamic(std::int64_t count, std::int64_t chunk, const Body& body) {
#pragma omp parallel for schedule(dynamic, chunk)
  for (std::int64_t i = 0; i < count; ++i) body(i);
}

/// As parallel_for_dynamic() with chunks of one index, on at most `threads` threads. Calls body(i, thread), where
/// `thread` in [0, threads) is the caller's own: it names the scratch that no other thread uses meanwhile.
template <class Body>
void parallel_for_with_scratch(std::int64_t count, int threads, const Body& body) {
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (std::int64_t i = 0; i < count; ++i) body(i, omp_get_thread_num());
}

}  // namespace giemsa::kernels::cpu
