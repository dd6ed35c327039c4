// Device memory for tests of kernels, the same under the emulator and on a GPU: filled with ones (NaN, -1, 255) so that
// a value never written shows. In the emulator an access outside it stops the kernel; on a GPU guard bands are
// compared.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#ifdef GIEMSA_SIMT
#include "tests/simt/memory.h"
#else
#include "kernels/error.h"
#endif

namespace giemsa::test {

#ifdef GIEMSA_SIMT

/// `bytes` bytes of device memory.
class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t bytes) : memory_(simt::allocate(bytes)) {}
  ~DeviceMemory() { simt::release(memory_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  void* get() const { return memory_; }
  void write(const void* from, std::size_t bytes) { std::memcpy(memory_, from, bytes); }
  void read(void* to, std::size_t bytes) const { std::memcpy(to, memory_, bytes); }

 private:
  void* memory_;
};

#else

class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t bytes) : bytes_(bytes) {
    CUDA_CHECK(cudaMalloc(&memory_, band + bytes + band));
    CUDA_CHECK(cudaMemset(memory_, 0xff, band + bytes + band));
  }
  ~DeviceMemory() {
    CHECK_MESSAGE(intact(), "something wrote outside a buffer of ", bytes_, " bytes");
    cudaFree(memory_);
  }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  void* get() const { return static_cast<std::byte*>(memory_) + band; }
  void write(const void* from, std::size_t bytes) {
    CUDA_CHECK(cudaMemcpy(get(), from, bytes, cudaMemcpyHostToDevice));
  }
  void read(void* to, std::size_t bytes) const { CUDA_CHECK(cudaMemcpy(to, get(), bytes, cudaMemcpyDeviceToHost)); }

 private:
  static constexpr std::size_t band = 256;  // keeps cudaMalloc's alignment

  bool intact() const {
    std::vector<std::byte> bytes(band + bytes_ + band);
    if (cudaMemcpy(bytes.data(), memory_, bytes.size(), cudaMemcpyDeviceToHost) != cudaSuccess) return false;
    const auto untouched = [](std::byte byte) { return byte == std::byte{0xff}; };
    return std::all_of(bytes.begin(), bytes.begin() + band, untouched) &&
           std::all_of(bytes.end() - band, bytes.end(), untouched);
  }

  std::size_t bytes_;
  void* memory_ = nullptr;
};

#endif

template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(std::int64_t count) : count_(static_cast<std::size_t>(count)), memory_(count_ * sizeof(T)) {}
  explicit DeviceBuffer(std::span<const T> values) : DeviceBuffer(static_cast<std::int64_t>(values.size())) {
    memory_.write(values.data(), values.size_bytes());
  }

  T* data() { return static_cast<T*>(memory_.get()); }
  /// What is in it, after all kernels before.
  std::vector<T> values() const {
    std::vector<T> result(count_);
    memory_.read(result.data(), count_ * sizeof(T));
    return result;
  }

 private:
  std::size_t count_;
  DeviceMemory memory_;
};

}  // namespace giemsa::test
