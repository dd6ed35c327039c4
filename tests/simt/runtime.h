// CUDA's runtime for tests of the CUDA backend on a machine without a GPU: work is done as it is enqueued.
#pragma once

#include <cstdint>

namespace giemsa::simt {

/// The n-th (from 1) call from now on that may fail on a GPU does so: an allocation finds no memory, anything else an
/// error. 0: none.
void fail_call(std::int64_t n);

/// Calls that may fail, since the process began.
std::int64_t fallible_calls();

/// Counts a call that may fail, and has it fail where that was asked for.
void may_fail(const char* what);

/// How often the host has waited for a stream, since the process began.
std::int64_t waits();

/// Bytes of device memory that are allocated.
std::int64_t device_bytes();

}  // namespace giemsa::simt
