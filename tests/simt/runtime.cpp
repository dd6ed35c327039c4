#include "tests/simt/runtime.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>

#include "engine/base/check.h"
#include "engine/cuda/runtime.h"
#include "tests/simt/memory.h"

namespace giemsa::simt {

namespace {

std::int64_t calls = 0, failing_call = 0, waited = 0;
std::map<void*, std::size_t> allocated;

}  // namespace

void fail_call(std::int64_t n) {
  failing_call = n > 0 ? calls + n : 0;
}

std::int64_t fallible_calls() {
  return calls;
}

void may_fail(const char* what) {
  check(++calls != failing_call, ErrorKind::device, what, ": an error made for a test");
}

std::int64_t waits() {
  return waited;
}

std::int64_t device_bytes() {
  std::int64_t bytes = 0;
  for (const auto& [memory, size] : allocated) bytes += static_cast<std::int64_t>(size);
  return bytes;
}

}  // namespace giemsa::simt

namespace giemsa::cuda {

namespace {

using simt::may_fail;
using Clock = std::chrono::steady_clock;

/// 4, with which small networks meet split and unsplit plans; or as many as GIEMSA_EMULATED_SMS says: what tests take
/// for granted must hold for any GPU.
int emulated_sms() {
  const char* wish = std::getenv("GIEMSA_EMULATED_SMS");
  return wish ? std::atoi(wish) : 4;
}

}  // namespace

int device_count() {
  may_fail("counting GPUs");
  return 1;
}

DeviceFacts open_gpu(int index) {
  const int count = device_count();
  check(index >= 0 && index < count, ErrorKind::device, "there is no GPU ", index, ": the driver shows ", count);
  return {.index = index,
          .name = "emulated",
          .major = 9,
          .minor = 0,
          .sm_count = emulated_sms(),
          .memory_bytes = 0,
          .l2_bytes = 4096,
          .driver = "0.0",
          .runtime = "0.0",
          .has_loops = true};
}

void use_gpu(int) {
  may_fail("choosing the GPU");
}

void* allocate_on_device(std::size_t bytes) {
  may_fail("out of GPU memory");
  void* memory = simt::allocate(bytes);
  simt::allocated[memory] = bytes;
  return memory;
}

void free_on_device(void* memory) noexcept {
  simt::allocated.erase(memory);
  simt::release(memory);
}

void* allocate_pinned(std::size_t bytes) {
  may_fail("allocating pinned host memory");
  return ::operator new(bytes);
}

void free_pinned(void* memory) noexcept {
  ::operator delete(memory);
}

bool is_pinned(const void*) {
  return false;
}

OwnedStream::OwnedStream() {
  may_fail("making a stream");
}
OwnedStream::~OwnedStream() = default;

void copy(void* to, const void* from, std::size_t bytes, Stream) {
  may_fail("copying");
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void check_readable(const void* memory, int index) {
  may_fail("asking where memory is");
  const auto* byte = static_cast<const std::byte*>(memory);
  const bool readable = std::ranges::any_of(simt::allocated, [&](const auto& block) {
    const auto* begin = static_cast<const std::byte*>(block.first);
    return byte >= begin && byte < begin + block.second;
  });
  check(readable, ErrorKind::usage, "the frame's pixels are not in the memory of GPU ", index);
}

void wait_for(Stream, Stream) {  // work is done as it is enqueued
  may_fail("waiting for a stream");
}

void copy_rows(void* to, const void* from, std::size_t row_bytes, std::size_t stride, std::size_t rows, Stream) {
  may_fail("copying rows");
  for (std::size_t row = 0; row < rows; ++row)
    std::memcpy(static_cast<std::byte*>(to) + row * row_bytes, static_cast<const std::byte*>(from) + row * stride,
                row_bytes);
}

void synchronise(Stream) {
  ++simt::waited;
  may_fail("waiting for the GPU");
}

Event::Event() : event_(new Clock::time_point) {}
Event::~Event() {
  delete static_cast<Clock::time_point*>(event_);
}
void Event::record(Stream) {
  may_fail("recording an event");
  *static_cast<Clock::time_point*>(event_) = Clock::now();
}
double Event::ms_since(const Event& start) const {
  const auto time = [](void* event) { return *static_cast<Clock::time_point*>(event); };
  return std::chrono::duration<double, std::milli>(time(event_) - time(start.event_)).count();
}

namespace {

/// Does what is recorded.
class Replayer final : public Recorder {
 public:
  Replayer() : Recorder(nullptr) {}

  Condition condition() override { return reinterpret_cast<Condition>(&conditions_.emplace_back(0)); }
  void repeat(Condition condition, const std::function<void(Stream)>& body) override {
    while (*reinterpret_cast<const unsigned*>(condition) != 0) body(stream_);
  }
  void beside(const std::function<void(Stream)>& branch) override { branch(stream_); }

 private:
  std::deque<unsigned> conditions_;
};

}  // namespace

struct ExecutableGraph::State {
  std::function<void(Recorder&)> record;
};

ExecutableGraph::ExecutableGraph(std::function<void(Recorder&)> record)
    : state_(std::make_unique<State>(State{std::move(record)})) {
  may_fail("recording");
}
ExecutableGraph::~ExecutableGraph() = default;

void ExecutableGraph::launch(Stream) {
  may_fail("starting a graph");
  Replayer replayer;
  state_->record(replayer);
}

}  // namespace giemsa::cuda
