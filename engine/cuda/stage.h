// A graph as launches over one arena: what sessions and cascades are made of.
#pragma once

#include <deque>
#include <vector>

#include "engine/cuda/steps.h"
#include "engine/plan/plan.h"

namespace giemsa::cuda {

class Stage {
 public:
  /// Chooses the kernels and uploads the weights. Both arguments outlive the stage. Throws Error(model), naming the
  /// layer, where there is no kernel for it.
  Stage(const Graph& graph, Context& context);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// Memory for whoever runs the stage, alive from step `first` to step `last`. Before plan_arena().
  const Buffer* reserve(const std::string& name, std::size_t bytes, int first, int last);

  /// How large the arena has to be, and what lives in it.
  void plan_arena();
  const Plan& plan() const { return plan_; }
  const std::vector<Lifetime>& lifetimes() const { return layout_.blocks; }

  /// Where the arena is, and where an input lies that is no network tensor. Before enqueue().
  void bind_arena(void* arena);
  void bind_input(ValueId id, void* data);

  const Buffer& buffer(ValueId id) const { return layout_.buffers[index_of(id)]; }

  /// The vendor's kernel that computes the node; empty where it is ours.
  const std::string& computed_by(NodeId id) const { return computed_by_[index_of(id)]; }
  /// Runs what a vendor's library computes once, on whatever lies in the arena: what it loads at the first call of a
  /// kernel may not be recorded. After bind_arena(); waits for the end.
  void warm_up() const;

  /// Starts the launches of a node, or of all. Errors name the layer.
  void enqueue(NodeId id, Stream stream) const;
  void enqueue_all(Stream stream) const;

 private:
  const Graph& graph_;
  Layout layout_;
  std::deque<Buffer> scratch_;  // a deque: steps hold pointers to its elements
  std::vector<Step> steps_;
  std::vector<std::string> computed_by_;  // per node
  Plan plan_;
};

/// Host memory -> device, through pinned memory where the host's is not: the processor fills a part of it while the
/// device fetches the one before.
class Upload {
 public:
  explicit Upload(std::size_t bytes) : bytes_(bytes), staging_(pinned_memory(bytes)) {}

  /// Returns when `from` may change, except where it is pinned: then when the stream has got there. The upload before
  /// has to have ended.
  void enqueue(void* to, const void* from, Stream stream) const;

  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_;
  PinnedMemory staging_;
};

}  // namespace giemsa::cuda
