// CUDA's runtime, as runtime.h asks for it.
#include "engine/cuda/runtime.h"

#include <cuda_runtime_api.h>

#include <array>
#include <vector>

#include "engine/base/check.h"
#include "kernels/probe.h"

namespace giemsa::cuda {

namespace {

/// Errors after which no call of this process on this GPU succeeds any more.
bool is_sticky(cudaError_t code) {
  switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorAssert:
    case cudaErrorDevicesUnavailable:
    case cudaErrorContained:
      return true;
    default:
      return false;
  }
}

void require(cudaError_t code, const char* what) {
  if (code == cudaSuccess) return;
  cudaGetLastError();  // forgotten, where it can be: the next call starts afresh
  const bool lost = is_sticky(code);
  fail(lost ? ErrorKind::device_lost : ErrorKind::device,
       lost ? "device lost, this process cannot use the GPU any more: " : "", what, ": ", cudaGetErrorName(code), ": ",
       cudaGetErrorString(code));
}

std::string version_text(int version) {
  return cat(version / 1000, '.', version % 1000 / 10);
}

int driver_version() {
  int version = 0;
  require(cudaDriverGetVersion(&version), "asking for the driver's version");
  return version;
}

cudaEvent_t event_of(void* event) {
  return static_cast<cudaEvent_t>(event);
}

}  // namespace

int device_count() {
  const int driver = driver_version();
  check(driver > 0, ErrorKind::device, "no NVIDIA driver is installed");
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code == cudaErrorInsufficientDriver) {
    cudaGetLastError();
    fail(ErrorKind::device, "the NVIDIA driver is too old: it serves CUDA ", version_text(driver),
         ", this program needs ", version_text(CUDART_VERSION / 1000 * 1000), " or newer");
  }
  if (code == cudaErrorNoDevice) {
    cudaGetLastError();
    fail(ErrorKind::device, "the NVIDIA driver finds no GPU");
  }
  require(code, "counting GPUs");
  check(driver >= kernels::least_driver(), ErrorKind::device, "the NVIDIA driver is too old: it serves CUDA ",
        version_text(driver), ", this program's kernels are compressed in a way that needs ",
        version_text(kernels::least_driver()), " or newer");
  return count;
}

DeviceFacts open_gpu(int index) {
  const int count = device_count();
  check(index >= 0 && index < count, ErrorKind::device, "there is no GPU ", index, ": the driver shows ", count);
  use_gpu(index);
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, index), "asking for the GPU's properties");

  DeviceFacts facts;
  facts.index = index;
  facts.name = properties.name;
  facts.major = properties.major;
  facts.minor = properties.minor;
  facts.sm_count = properties.multiProcessorCount;
  facts.memory_bytes = properties.totalGlobalMem;
  facts.l2_bytes = static_cast<std::size_t>(properties.l2CacheSize);
  facts.driver = version_text(driver_version());
  facts.runtime = version_text(CUDART_VERSION);
  facts.has_loops = driver_version() >= 12040;

  const cudaError_t code = kernels::probe();
  if (code == cudaErrorNoKernelImageForDevice || code == cudaErrorInvalidDeviceFunction) {
    cudaGetLastError();
    fail(ErrorKind::device, facts.name, " has compute capability ", facts.major, '.', facts.minor,
         ", for which this build has no kernels (", kernels::built_for(), ")");
  }
  require(code, "looking for kernels that the GPU can run");
  return facts;
}

void use_gpu(int index) {
  require(cudaSetDevice(index), "choosing the GPU");
}

int current_gpu() noexcept {
  int index = -1;
  if (cudaGetDevice(&index) == cudaSuccess) return index;
  cudaGetLastError();
  return -1;
}

void return_to_gpu(int index) noexcept {
  if (cudaSetDevice(index) != cudaSuccess) cudaGetLastError();
}

void* allocate_on_device(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t code = cudaMalloc(&memory, bytes);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    fail(ErrorKind::device, "out of GPU memory: ", bytes, " bytes were wanted, ", free, " of ", total, " are free");
  }
  require(code, "allocating GPU memory");
  return memory;
}

void free_on_device(void* memory) noexcept {
  cudaFree(memory);  // what it reports is some earlier error, which has been or will be
}

void* allocate_pinned(std::size_t bytes) {
  void* memory = nullptr;
  require(cudaMallocHost(&memory, bytes), "allocating pinned host memory");
  return memory;
}

void free_pinned(void* memory) noexcept {
  cudaFreeHost(memory);
}

bool is_pinned(const void* memory) {
  cudaPointerAttributes attributes{};
  if (cudaPointerGetAttributes(&attributes, memory) != cudaSuccess) {
    cudaGetLastError();
    return false;
  }
  return attributes.type == cudaMemoryTypeHost;
}

OwnedStream::OwnedStream() {
  require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
}

OwnedStream::~OwnedStream() {
  cudaStreamDestroy(stream_);
}

void copy(void* to, const void* from, std::size_t bytes, Stream stream) {
  if (bytes == 0) return;  // a graph may not take a copy of nothing
  require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream), "copying");
}

void check_readable(const void* memory, int index) {
  cudaPointerAttributes attributes{};
  const cudaError_t code = cudaPointerGetAttributes(&attributes, memory);
  if (code != cudaSuccess) cudaGetLastError();
  const bool readable = attributes.type == cudaMemoryTypeManaged ||
                        (attributes.type == cudaMemoryTypeDevice && attributes.device == index);
  check(code == cudaSuccess && readable, ErrorKind::usage, "the frame's pixels are not in the memory of GPU ", index);
}

void wait_for(Stream stream, Stream other) {
  cudaEvent_t event = nullptr;
  require(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event");
  const cudaError_t recorded = cudaEventRecord(event, other);
  const cudaError_t waits = recorded == cudaSuccess ? cudaStreamWaitEvent(stream, event) : recorded;
  cudaEventDestroy(event);  // which CUDA keeps until it has come
  require(waits, "waiting for the stream of the frame's pixels");
}

void copy_rows(void* to, const void* from, std::size_t row_bytes, std::size_t stride, std::size_t rows, Stream stream) {
  require(cudaMemcpy2DAsync(to, row_bytes, from, stride, row_bytes, rows, cudaMemcpyDefault, stream), "copying rows");
}

void synchronise(Stream stream) {
  require(cudaStreamSynchronize(stream), "waiting for the GPU");
}

Event::Event() {
  cudaEvent_t event = nullptr;
  require(cudaEventCreate(&event), "making an event");
  event_ = event;
}

Event::~Event() {
  cudaEventDestroy(event_of(event_));
}

void Event::record(Stream stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  require(cudaStreamIsCapturing(stream, &status), "asking a stream whether it records");
  // Without the flag a recorded event would only order the graph's nodes.
  const unsigned flags = status == cudaStreamCaptureStatusActive ? cudaEventRecordExternal : cudaEventRecordDefault;
  require(cudaEventRecordWithFlags(event_of(event_), stream, flags), "recording an event");
}

double Event::ms_since(const Event& start) const {
  float ms = 0;
  require(cudaEventElapsedTime(&ms, event_of(start.event_), event_of(event_)), "reading an event");
  return ms;
}

// ---- programs ----

namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const noexcept { cudaGraphDestroy(graph); }
};
struct DestroyExecutable {
  void operator()(cudaGraphExec_t graph) const noexcept { cudaGraphExecDestroy(graph); }
};
struct DestroyEvent {
  void operator()(cudaEvent_t event) const noexcept { cudaEventDestroy(event); }
};
using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;
using Executable = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, DestroyExecutable>;
using CudaEvent = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, DestroyEvent>;

/// An event that orders two streams while they are recorded.
CudaEvent ordering_event(cudaStream_t after) {
  cudaEvent_t event = nullptr;
  require(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event");
  CudaEvent owned(event);
  require(cudaEventRecord(event, after), "recording an event");
  return owned;
}

/// What a stream has recorded so far.
struct Recorded {
  cudaGraph_t graph = nullptr;
  std::vector<cudaGraphNode_t> leaves;
  std::vector<cudaGraphEdgeData> edges;
};

Recorded recorded_in(cudaStream_t stream) {
  Recorded recorded;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  const cudaGraphNode_t* leaves = nullptr;
  const cudaGraphEdgeData* edges = nullptr;
  std::size_t count = 0;
#if CUDART_VERSION >= 13000
  require(cudaStreamGetCaptureInfo(stream, &status, nullptr, &recorded.graph, &leaves, &edges, &count),
          "looking at a recording");
#else
  require(cudaStreamGetCaptureInfo_v3(stream, &status, nullptr, &recorded.graph, &leaves, &edges, &count),
          "looking at a recording");
#endif
  recorded.leaves.assign(leaves, leaves + count);
  recorded.edges.resize(count);
  if (edges != nullptr) recorded.edges.assign(edges, edges + count);
  return recorded;
}

class GraphRecorder final : public Recorder {
 public:
  explicit GraphRecorder(cudaStream_t stream, std::vector<CudaEvent>& events) : Recorder(stream), events_(events) {}

  Condition condition() override {
    cudaGraphConditionalHandle handle = 0;
    require(cudaGraphConditionalHandleCreate(&handle, recorded_in(stream_).graph, 0, cudaGraphCondAssignDefault),
            "making a condition");
    return handle;
  }

  void repeat(Condition condition, const std::function<void(Stream)>& body) override {
    const Recorded before = recorded_in(stream_);
    cudaGraphNodeParams parameters{};
    parameters.type = cudaGraphNodeTypeConditional;
    parameters.conditional.handle = condition;
    parameters.conditional.type = cudaGraphCondTypeWhile;
    parameters.conditional.size = 1;
    cudaGraphNode_t loop = nullptr;
#if CUDART_VERSION >= 13000
    require(cudaGraphAddNode(&loop, before.graph, before.leaves.data(), before.edges.data(), before.leaves.size(),
                             &parameters),
            "adding a loop");
    require(cudaStreamUpdateCaptureDependencies(stream_, &loop, nullptr, 1, cudaStreamSetCaptureDependencies),
            "recording after a loop");
#else
    require(cudaGraphAddNode_v2(&loop, before.graph, before.leaves.data(), before.edges.data(), before.leaves.size(),
                                &parameters),
            "adding a loop");
    require(cudaStreamUpdateCaptureDependencies(stream_, &loop, 1, cudaStreamSetCaptureDependencies),
            "recording after a loop");
#endif
    require(cudaStreamBeginCaptureToGraph(inside_.get(), parameters.conditional.phGraph_out[0], nullptr, nullptr, 0,
                                          cudaStreamCaptureModeThreadLocal),
            "recording a loop");
    end_recording_after(inside_.get(), [&] { body(inside_.get()); });
  }

  void beside(const std::function<void(Stream)>& branch) override {
    events_.push_back(ordering_event(stream_));
    require(cudaStreamWaitEvent(side_.get(), events_.back().get(), 0), "recording a branch");
    branch(side_.get());
    joins_.push_back(ordering_event(side_.get()));
  }

  /// Waits for the branches.
  void join() {
    for (const CudaEvent& event : joins_) require(cudaStreamWaitEvent(stream_, event.get(), 0), "joining a branch");
  }

  /// Ends what the stream records, also where `record` fails, and gives the graph.
  template <class Record>
  static cudaGraph_t end_recording_after(cudaStream_t stream, const Record& record) {
    cudaGraph_t graph = nullptr;
    try {
      record();
    } catch (...) {
      cudaStreamEndCapture(stream, &graph);
      cudaGetLastError();
      throw;
    }
    require(cudaStreamEndCapture(stream, &graph), "ending a recording");
    return graph;
  }

 private:
  OwnedStream side_, inside_;       // made before the recording begins, during which CUDA allows little else
  std::vector<CudaEvent>& events_;  // live until the recording has ended
  std::vector<CudaEvent> joins_;
};

}  // namespace

struct ExecutableGraph::State {
  Graph graph;
  Executable executable;
};

ExecutableGraph::ExecutableGraph(std::function<void(Recorder&)> record) : state_(std::make_unique<State>()) {
  const OwnedStream stream;
  std::vector<CudaEvent> events;
  GraphRecorder recorder(stream.get(), events);
  require(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal), "recording");
  state_->graph.reset(GraphRecorder::end_recording_after(stream.get(), [&] {
    record(recorder);
    recorder.join();
  }));
  cudaGraphExec_t executable = nullptr;
  require(cudaGraphInstantiate(&executable, state_->graph.get(), 0), "making a graph executable");
  state_->executable.reset(executable);
}

ExecutableGraph::~ExecutableGraph() = default;

void ExecutableGraph::launch(Stream stream) {
  require(cudaGraphLaunch(state_->executable.get(), stream), "starting a graph");
}

}  // namespace giemsa::cuda
