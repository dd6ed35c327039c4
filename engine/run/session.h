// Running a graph: a backend compiles it once for its shapes, the session then runs it image after image.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/plan/plan.h"
#include "engine/run/cascade.h"

namespace giemsa {

/// A graph compiled for one device. Not for several threads at once. Once it has run, run() allocates nothing; what a
/// vendor's library takes for itself meanwhile is small and given back.
class Session {
 public:
  virtual ~Session() = default;

  /// Computes every output. `inputs` are host pointers to dense row-major values of the declared types, one per Graph
  /// input in order; they are read until run() returns. Throws Error(device).
  void run(std::span<const void* const> inputs);

  /// Output `i`, dense row-major (fp32 tensors as NCHW), valid until the next run.
  template <class T>
  std::span<const T> output(std::size_t i = 0) const {
    const TensorType& type = graph_[graph_.outputs()[i]].type;
    check(sizeof(T) == size_of(type.dtype), ErrorKind::internal, "output ", i, " is ", type.dtype);
    return {static_cast<const T*>(output_data(i)), static_cast<std::size_t>(type.shape.volume())};
  }

  /// The graph as it runs, after the passes.
  const Graph& graph() const { return graph_; }

  /// Where values live.
  const Plan& plan() const { return plan_; }
  std::span<const Lifetime> lifetimes() const { return lifetimes_; }

  /// What the session holds: the arena of its plan, and on a GPU what inputs and outputs pass through.
  virtual MemoryUse memory() const { return {plan_.arena_bytes, 0}; }

  /// Called during run() with each value as dense fp32 (u8 and int32 values keep their type). For dumps and
  /// comparisons; slow. An empty function ends it. Set by the environment variable GIEMSA_DUMP=dir from the start:
  /// every value is then written to dir/<name>.npy.
  using Observer = std::function<void(const Value&, const Tensor&)>;
  void observe(Observer observer) { observer_ = std::move(observer); }

  /// run() throws Error(cancelled) once `flag`, which outlives the session, is set: before the next node, or where the
  /// device does all at once when it has. Null: never.
  void stop_when(const std::atomic<bool>* flag) { stop_ = flag; }

  /// The name of the vendor's kernel that computes the node, such as "cuDNN engine 41", where the user chose a vendor's
  /// library; else empty.
  virtual std::string computed_by(NodeId) const { return ""; }

  /// Milliseconds that each node of graph() took in the last run, once asked for. On a GPU these are the device's own,
  /// in a run that the host starts and waits for once, as without; what goes before the first node and after the last,
  /// such as copies from and to the host, is in none of them.
  void time_layers(bool on) { layer_ms_.assign(on ? graph_.nodes().size() : 0, 0.0); }
  std::span<const double> layer_ms() const { return layer_ms_; }

 protected:
  explicit Session(Graph graph);

  /// A run is begin(), run_node() for each node in order, end(). Where nobody looks at single nodes it is begin() and
  /// run_all() or run_timed() instead, which do the rest at once where the device can.
  virtual void begin(std::span<const void* const> inputs) = 0;
  virtual void run_node(NodeId id) = 0;
  virtual void end() = 0;
  virtual void run_all();
  /// run_all() that notes in `layer_ms`, of an element for each node, what each took.
  virtual void run_timed(std::span<double> layer_ms);
  /// Returns when what run_node() started is done.
  virtual void wait() {}
  void check_stop() const;
  virtual const void* output_data(std::size_t i) const = 0;
  virtual Tensor value_of(ValueId id) const = 0;

  Graph graph_;
  Plan plan_;
  std::vector<Lifetime> lifetimes_;

 private:
  /// Node after node, each shown to the observer.
  void run_observed();
  /// Runs the node to its end; milliseconds by the host's clock.
  double ms_of_node(NodeId id);

  Observer observer_;
  const std::atomic<bool>* stop_ = nullptr;
  std::vector<double> layer_ms_;
};

/// What a device can do at most, measured: a second.
struct DeviceCeilings {
  double fp32_flops = 0;  ///< of fused multiply-adds in registers
  double fp16_flops = 0;  ///< of matrix products of fp16 with fp32 sums in registers, by the instruction of our kernels
  double copy_bytes = 0;  ///< read plus written, of copying memory far larger than the caches
};

enum class DeviceKind { cpu, gpu };

/// A device with what it keeps for all its sessions: packed weights above all. May be shared by threads.
class Backend {
 public:
  virtual ~Backend() = default;

  /// Optimises (unless told not to) and compiles. Weights that the graph's tensors hold are packed once for all
  /// sessions that use the same tensors. Throws Error(model) where the backend cannot run a layer, naming it.
  virtual std::unique_ptr<Session> compile(const Graph& graph, bool optimized = true) = 0;

  /// Compiles the graphs of a cascade. A backend may run it as one, without the host in between.
  virtual std::unique_ptr<Cascade> compile(const CascadeGraphs& graphs) { return make_session_cascade(*this, graphs); }

  virtual DeviceKind kind() const = 0;
  /// "cpu (oneDNN 2.6.3, avx512_core_bf16, 2 threads)"
  virtual std::string device_name() const = 0;
  virtual DType precision() const = 0;
  /// The ceilings of a GPU, which takes some tenths of a second; none of the CPU, which tools/bench/ceilings.h
  /// measures.
  virtual std::optional<DeviceCeilings> measure_ceilings() const { return std::nullopt; }
  /// Bytes of packed weights held, in the memory of the device. Those that no session uses any more are given up when a
  /// session ends, but for the last form that each layer was packed in: a session opened later finds it.
  virtual std::size_t weight_bytes() const = 0;
};

}  // namespace giemsa
