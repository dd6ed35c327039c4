// A graph on the GPU, step by step: what the engine launches for each layer, with the operands that it gets there.
#pragma once

#include <string>
#include <vector>

#include "bench/gpu/timing.h"
#include "engine/cuda/stage.h"

namespace giemsa::bench {

/// Steps of one description, which cost the same: timed once.
struct StepGroup {
  std::string name;  ///< of the first's layer
  std::string what;  ///< "conv2d 1x1 relu 1x256x56x56 -> 64x56x56"
  NodeId first{};
  int count = 0;                ///< steps in the graph
  double bytes = 0, flops = 0;  ///< of one: each operand once, in the precision it is stored in
  bool is_matrix_product = false;
};

class SteppedGraph {
 public:
  /// Optimises and uploads. Inputs are a painted u8 frame, and boxes on it. The context outlives this.
  SteppedGraph(const Graph& graph, cuda::Context& context);

  const Graph& graph() const { return graph_; }

  /// In order of first steps. A fused step counts as one, with the work of all layers in it.
  std::vector<StepGroup> groups() const;

  /// Runs all steps twice over cleared memory. What is wrong, a line each: results that are not finite, or differ from
  /// run to run.
  std::vector<std::string> verify(cuda::Stream stream);

  /// Runs the steps before `id`, so that it reads what it would.
  void run_up_to(NodeId id, cuda::Stream stream);
  void enqueue(NodeId id, cuda::Stream stream) const { stage_.enqueue(id, stream); }

 private:
  struct Input {
    ValueId id;
    cuda::DeviceMemory memory;
  };

  void clear(cuda::Stream stream);
  std::vector<std::byte> result_of(ValueId id, cuda::Stream stream) const;
  bool is_finite(ValueId id, const std::vector<std::byte>& bytes) const;
  double stored_bytes(ValueId id) const;
  StepGroup describe_step(NodeId id) const;

  cuda::Context& context_;
  Graph graph_;
  cuda::Stage stage_;
  cuda::DeviceMemory arena_;
  std::vector<std::byte> zeros_;
  std::vector<Input> inputs_;
};

/// A frame u8 {1,h,w,3} of smooth blobs, in which segmenters of random weights too find regions of many sizes.
std::vector<std::uint8_t> painted_frame(Size2 size);

}  // namespace giemsa::bench
