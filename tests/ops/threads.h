// Results must not depend on the number of threads.
#pragma once

#include "kernels/cpu/thread_pool.h"

namespace giemsa::test {

/// Calls body(threads) with loops on 1, 2 and 5 threads.
template <class Body>
void with_thread_counts(const Body& body) {
  for (int threads : {1, 2, 5}) {
    kernels::cpu::ThreadPool pool(threads);
    const kernels::cpu::ExecutorScope scope(&pool);
    body(threads);
  }
}

}  // namespace giemsa::test
