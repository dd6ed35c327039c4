// What the tuner's measurements share: numbers whose sums are exact, and how long work on the GPU takes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "engine/base/tensor.h"
#include "engine/cuda/runtime.h"

namespace giemsa::cuda {

/// Multiples of `step` from -most to most, of any kind. Sums of their products are exact in fp32, and the order of
/// additions, in which plans differ, does not show, as long as these stay below 2^24 times the product's step.
class ExactNumbers {
 public:
  std::vector<kernels::Half> halves(std::size_t count, float step = 0x1p-4f, float most = 1) {
    std::vector<kernels::Half> values(count);
    for (kernels::Half& value : values) value = {f32_to_f16(next(step, most))};
    return values;
  }
  std::vector<float> floats(std::size_t count, float step = 0x1p-4f, float most = 1) {
    std::vector<float> values(count);
    for (float& value : values) value = next(step, most);
    return values;
  }

 private:
  float next(float step, float most) {
    const int steps = static_cast<int>(most / step);
    return static_cast<float>(static_cast<int>(bits_() % static_cast<unsigned>(2 * steps + 1)) - steps) * step;
  }

  std::mt19937 bits_{1};
};

template <class T>
DeviceMemory uploaded(const std::vector<T>& values, Stream stream) {
  DeviceMemory memory = device_memory(values.size() * sizeof(T));
  copy(memory.get(), values.data(), values.size() * sizeof(T), stream);
  synchronise(stream);
  return memory;
}

/// The same values at `count` places of device memory, each aligned to 256 bytes.
class Copies {
 public:
  Copies() = default;
  template <class T>
  Copies(const std::vector<T>& values, int count, Stream stream) : Copies(values.size() * sizeof(T), count) {
    for (int i = 0; i < count; ++i) copy(at(i), i == 0 ? values.data() : at(0), values.size() * sizeof(T), stream);
    synchronise(stream);
  }

  void* at(int i) const { return static_cast<std::byte*>(memory_.get()) + static_cast<std::size_t>(i) * stride_; }

 private:
  Copies(std::size_t bytes, int count)
      : stride_((bytes + 255) / 256 * 256), memory_(device_memory(stride_ * static_cast<std::size_t>(count))) {}

  std::size_t stride_ = 0;
  DeviceMemory memory_;
};

/// Launches what is measured for the run of this number, with weights that no other run takes.
using TimedLaunch = std::function<void(Stream, int run)>;

/// The bits that `launch` as run 0 writes to `output`, of `elements` elements. Those that it leaves out are NaN.
inline std::vector<std::uint16_t> result_of(const TimedLaunch& launch, void* output, std::size_t elements,
                                            Stream stream) {
  std::vector<std::uint16_t> values(elements, 0xffff);
  copy(output, values.data(), elements * sizeof(std::uint16_t), stream);
  launch(stream, 0);
  copy(values.data(), output, elements * sizeof(std::uint16_t), stream);
  synchronise(stream);
  return values;
}

/// How many runs median_us() numbers, each of which takes a copy of the weights: a sample's, and the one before them.
constexpr int copies_for(int runs) {
  return runs + 1;
}

/// Microseconds of one run of each launch, the median of `rounds` samples. A sample is `runs` of them in a row, as a
/// program, so that the host takes no part. Before them 4 * `l2_bytes` are moved, which drives everything out of L2,
/// and run 0, untimed, brings in what is no weight; runs 1 to `runs` then take weights that nobody has touched since.
/// So feature maps are in L2 as far as they fit and weights are not, as in a network, whose layers read what the one
/// before wrote, and weights that all other layers' have passed through L2 after. All launches take turns, so that a
/// drifting clock meets each of them alike.
std::vector<double> median_us(std::span<const TimedLaunch> launches, int runs, int rounds, std::size_t l2_bytes,
                              Stream stream);

}  // namespace giemsa::cuda
