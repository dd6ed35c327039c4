// The whole way of an image on the GPU: one upload, one replay of one CUDA graph, one wait.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "engine/cuda/stage.h"
#include "engine/run/cascade.h"

namespace giemsa::cuda {

/// How `each` graphs are driven from one image's regions to the next.
enum class LoopControl {
  device,  ///< loops in the CUDA graph look at the number of regions, which the host learns with the results
  host,    ///< for drivers without such loops: the host reads the number and starts the batches
};

std::unique_ptr<Cascade> make_cascade(const CascadeGraphs& graphs, std::shared_ptr<Context> context,
                                      LoopControl loop_control);

}  // namespace giemsa::cuda
