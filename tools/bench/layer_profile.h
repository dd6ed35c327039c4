// Where a network's time goes, layer by layer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/run/session.h"
#include "tools/bench/ceilings.h"

namespace giemsa::bench {

struct LayerTime {
  std::string name;  ///< of the value that the layer makes
  NodeId node{};
  double ms = 0;              ///< in the run that is shown
  double median_ms = 0;       ///< over all runs
  double flops = 0;           ///< 2 a multiply-add
  double bytes = 0;           ///< what must move at least: inputs, weights and output once each, in the precision used
  std::string computed_by{};  ///< what of a vendor's library computes it; empty: the engine's own
};

struct LayerProfile {
  std::vector<LayerTime> layers;  ///< in the order in which they run
  double total_ms = 0;            ///< of the run that is shown: the one whose total is the median
  int runs = 0;
};

/// Runs the session on `input`, three times untimed and then `runs` times. Timed layer by layer a network is slower
/// than it is in one go: on a CPU each layer is waited for, on a GPU the device notes the time after each.
LayerProfile profile_layers(Session& session, DType precision, const std::vector<float>& input, int runs);

/// Milliseconds that the layer would take at the ceiling it meets first, of copying or of arithmetic in `precision`.
double least_ms(const LayerTime& layer, const Ceilings& ceilings, DType precision);

}  // namespace giemsa::bench
