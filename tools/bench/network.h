// A network alone: which one, on what input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/run/session.h"
#include "nets/model.h"

namespace giemsa::bench {

/// "deeplabv3plus:512x512", "alexnet:16": an architecture, then the input's size and the batch, each where the default
/// is not meant.
struct NetSpec {
  std::string arch;
  std::optional<InputSize> size;  ///< default: the model's own
  std::int64_t batch = 1;

  /// Throws Error(usage), naming what cannot be read and the architectures there are.
  static NetSpec parse(const std::string& text);
};

/// Random weights for the architecture, the same every time.
Model random_network(const std::string& arch);

/// The network on fp32 inputs {batch,3,h,w}, logits out. Where only a long side is known, for a frame of 640x480.
Graph network_graph(const Model& model, const std::optional<InputSize>& size, std::int64_t batch);

/// Values like normalised pixels, from -2 to 2; each `which` has others.
std::vector<float> network_input(const Graph& graph, std::uint32_t which);

/// Runs each input twice. Throws Error(internal) where the results are not finite or not the same to the bit.
void verify_session(Session& session, const std::vector<std::vector<float>>& inputs);

}  // namespace giemsa::bench
