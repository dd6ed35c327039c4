// Runs a kernel's test in every thread order that the emulator has; on a GPU, once.
#pragma once

#ifdef GIEMSA_SIMT
#include "tests/simt/block.h"
#endif

namespace giemsa::test {

template <class Test>
void in_all_thread_orders(const Test& test) {
#ifdef GIEMSA_SIMT
  simt::in_all_thread_orders(test);
#else
  test();
#endif
}

}  // namespace giemsa::test
