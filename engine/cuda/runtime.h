// What the CUDA backend asks of CUDA's runtime. The backend's other files include no CUDA header: in tests
// tests/simt/runtime.cpp takes the place of runtime.cpp, and the very same backend runs on the emulator.
//
// Everything here throws Error(device), saying what failed; after an error that leaves the GPU unusable for this
// process ("device lost"), every later call does.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "kernels/loop.h"
#include "kernels/types.h"

namespace giemsa::cuda {

using kernels::Condition;
using kernels::Stream;

struct DeviceFacts {
  int index = 0;
  std::string name;          ///< "NVIDIA H200"
  int major = 0, minor = 0;  ///< compute capability
  int sm_count = 0;
  std::size_t memory_bytes = 0;
  std::size_t l2_bytes = 0;     ///< of the cache that all multiprocessors share
  std::string driver, runtime;  ///< versions of CUDA: of the installed driver, of the library linked in
  bool has_loops = false;  ///< whether an ExecutableGraph may repeat a part of itself without the host (driver >= 12.4)
};

/// How many GPUs the driver shows. Throws where there is no driver, or one too old for the library linked in.
int device_count();

/// The GPU `index`, made current. Throws where there is none such, or our kernels have no code that it can run.
DeviceFacts open_gpu(int index);

/// Makes a GPU current for the calling thread.
void use_gpu(int index);
/// The one that is; -1 where there is none. Creates no context.
int current_gpu() noexcept;
/// As use_gpu(), for one that was current before; what goes wrong is left to the next call.
void return_to_gpu(int index) noexcept;

void* allocate_on_device(std::size_t bytes);
void free_on_device(void* memory) noexcept;
void* allocate_pinned(std::size_t bytes);
void free_pinned(void* memory) noexcept;
/// Whether copies can read this host memory without the driver staging it.
bool is_pinned(const void* memory);

/// Memory on the device, aligned to 256 bytes; of any size, also none.
struct FreeOnDevice {
  void operator()(void* memory) const noexcept { free_on_device(memory); }
};
using DeviceMemory = std::unique_ptr<void, FreeOnDevice>;
inline DeviceMemory device_memory(std::size_t bytes) {
  return DeviceMemory(bytes > 0 ? allocate_on_device(bytes) : nullptr);
}

/// Host memory that the device copies from and to by itself.
struct FreePinned {
  void operator()(void* memory) const noexcept { free_pinned(memory); }
};
using PinnedMemory = std::unique_ptr<void, FreePinned>;
inline PinnedMemory pinned_memory(std::size_t bytes) {
  return PinnedMemory(bytes > 0 ? allocate_pinned(bytes) : nullptr);
}

/// A queue of work on the current GPU.
class OwnedStream {
 public:
  OwnedStream();
  ~OwnedStream();
  OwnedStream(const OwnedStream&) = delete;
  OwnedStream& operator=(const OwnedStream&) = delete;

  Stream get() const { return stream_; }

 private:
  Stream stream_ = nullptr;
};

/// Throws Error(usage) where the GPU `index` cannot read `memory` as its own: other GPUs', and the host's that is not
/// managed by CUDA.
void check_readable(const void* memory, int index);

/// What is enqueued in `stream` from now on begins when all that is in `other` by now has been done.
void wait_for(Stream stream, Stream other);

/// Rows of `row_bytes` that begin `stride` bytes apart, into memory without gaps; in stream order.
void copy_rows(void* to, const void* from, std::size_t row_bytes, std::size_t stride, std::size_t rows, Stream stream);

/// In stream order; between host and device, or on the device. Returns before pinned memory has been copied.
void copy(void* to, const void* from, std::size_t bytes, Stream stream);

/// Returns when the stream's work is done, and throws what went wrong in it.
void synchronise(Stream stream);

/// A moment in a stream's work.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Also while an ExecutableGraph is recorded: the moment is then that of the last replay.
  void record(Stream stream);
  /// Milliseconds from `start` to this. Both have passed.
  double ms_since(const Event& start) const;

 private:
  friend class Recorder;
  void* event_ = nullptr;
};

/// Where an ExecutableGraph's work is put while it is recorded.
class Recorder {
 public:
  virtual ~Recorder() = default;

  Stream stream() const { return stream_; }

  /// A condition for repeat(); false until a kernel sets it.
  virtual Condition condition() = 0;
  /// Records `body` to be replayed for as long as `condition` holds, zero times if it does not. Only where the device
  /// has loops.
  virtual void repeat(Condition condition, const std::function<void(Stream)>& body) = 0;
  /// Records `branch` to run beside what follows.
  virtual void beside(const std::function<void(Stream)>& branch) = 0;

 protected:
  explicit Recorder(Stream stream) : stream_(stream) {}
  Stream stream_;
};

/// Work recorded once and replayed without telling the device again what it is: a CUDA graph.
class ExecutableGraph {
 public:
  /// Calls `record` once, or, under the emulator, at every launch.
  explicit ExecutableGraph(std::function<void(Recorder&)> record);
  ~ExecutableGraph();
  ExecutableGraph(const ExecutableGraph&) = delete;
  ExecutableGraph& operator=(const ExecutableGraph&) = delete;

  void launch(Stream stream);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace giemsa::cuda
