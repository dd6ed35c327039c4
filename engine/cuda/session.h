// A graph compiled for the GPU: what people run alone; the whole way of an image is a Cascade (cascade.h).
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/cuda/stage.h"
#include "engine/run/session.h"

namespace giemsa::cuda {

class CudaSession final : public Session {
 public:
  CudaSession(Graph graph, std::shared_ptr<Context> context);

  MemoryUse memory() const override;

 private:
  /// How an input comes to the device.
  struct Import {
    Upload upload;
    DeviceMemory frame;              // of an input that is no network tensor: where kernels read it
    const Buffer* planar = nullptr;  // of one that is: fp32 NCHW, as it comes
  };
  /// How an output comes to the host.
  struct Export {
    const Buffer* planar = nullptr;  // of a network tensor: fp32 NCHW, as it goes; else it goes as it is
    std::size_t bytes = 0;
    PinnedMemory host;
  };

  void begin(std::span<const void* const> inputs) override;
  void run_node(NodeId id) override;
  void end() override;
  void run_all() override;
  void run_timed(std::span<double> layer_ms) override;
  void wait() override { synchronise(stream_.get()); }
  const void* output_data(std::size_t i) const override { return exports_[i].host.get(); }
  Tensor value_of(ValueId id) const override;
  std::string computed_by(NodeId id) const override { return stage_.computed_by(id); }

  void enqueue_imports(Stream stream) const;
  void enqueue_exports(Stream stream) const;

  /// A run with a moment noted before the first node and after each.
  struct Timed {
    std::deque<Event> moments;  // a deque: they cannot be moved
    std::optional<ExecutableGraph> program;
  };

  std::shared_ptr<Context> context_;
  Stage stage_;
  OwnedStream stream_;
  std::vector<Import> imports_;
  std::vector<Export> exports_;
  DeviceMemory arena_;
  bool synchronous_;  // GIEMSA_SYNC: a fault is found where it happens
  std::optional<ExecutableGraph> program_;
  std::unique_ptr<Timed> timed_;
};

}  // namespace giemsa::cuda
