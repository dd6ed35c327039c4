// Results must not depend on the number of threads.
#pragma once

#include <omp.h>

namespace giemsa::test {

/// Calls body(threads) with OpenMP set to 1, 2 and 5 threads.
template <class Body>
void with_thread_counts(const Body& body) {
  const int before = omp_get_max_threads();
  for (int threads : {1, 2, 5}) {
    omp_set_num_threads(threads);
    body(threads);
  }
  omp_set_num_threads(before);
}

}  // namespace giemsa::test
