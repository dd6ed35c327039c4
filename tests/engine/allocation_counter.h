// Counts what the process takes from the heap, and who took it: malloc and its kin are replaced in this test program,
// so that calls from every library and thread pass through here.
#pragma once

#include <cstdint>
#include <string>

namespace giemsa::test {

struct Allocations {
  int ours = 0;                  ///< from Giemsa's code or this test's, directly or through the C and C++ libraries
  int onednn = 0;                ///< from within oneDNN
  int openmp = 0;                ///< from within the OpenMP runtime
  std::int64_t bytes_left = 0;   ///< allocated minus freed, by all of them
  std::int64_t largest_sum = 0;  ///< the most that bytes_left ever was
  std::string first_of_ours;     ///< where from, for a failure's message
};

/// False under a sanitizer, which has its own malloc: nothing is counted then.
bool can_count_allocations();

/// From start_ to stop_counting_allocations(), in all threads.
void start_counting_allocations();
Allocations stop_counting_allocations();

}  // namespace giemsa::test
