// A layer profile in the Trace Event Format, which Perfetto (ui.perfetto.dev) and chrome://tracing open.
#pragma once

#include <string>

#include "tools/bench/layer_profile.h"
#include "tools/run/json.h"

namespace giemsa::bench {

/// What is traced: keys and values for the document's "otherData".
using TraceFacts = std::vector<std::pair<std::string, std::string>>;

/// One event a layer, laid end to end in the order in which they ran, below one event for the whole run; times are in
/// microseconds. `describe` gives an op as people write it. A layer's "percent_of_limit" is least_ms() over its median
/// time, absent without `ceilings`.
Json trace_json(const LayerProfile& profile, const Graph& graph, DType precision, const Ceilings* ceilings,
                const TraceFacts& facts, std::string (*describe)(const Op&));

/// The `top` slowest layers by median time: a line each, with rates and the share of what the machine can do.
std::string trace_table(const LayerProfile& profile, const Graph& graph, DType precision, const Ceilings* ceilings,
                        std::size_t top, std::string (*describe)(const Op&));

}  // namespace giemsa::bench
