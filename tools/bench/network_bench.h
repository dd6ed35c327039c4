// Latency of a network alone, from dense fp32 in host memory to dense fp32 in host memory.
#pragma once

#include "tools/bench/calls.h"
#include "tools/bench/network.h"
#include "tools/bench/report.h"

namespace giemsa::bench {

/// Adds the series "total", "first_call" and "after_idle" to `report`, what was verified, the memory, and the machine's
/// state. Throws Error(internal) where verify_session() does.
void bench_network(Session& session, const Backend& backend, const Schedule& schedule, Report& report);

}  // namespace giemsa::bench
