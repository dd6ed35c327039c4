// What the tuner's measurements share: numbers whose sums are exact, and how long work on the GPU takes.
#pragma once

#include <functional>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "engine/cuda/runtime.h"
#include "engine/tensor.h"

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

/// The bits that `work` writes to `output`, of `elements` elements. Those that it leaves out are NaN.
inline std::vector<std::uint16_t> result_of(const std::function<void(Stream)>& work, void* output, std::size_t elements,
                                            Stream stream) {
  std::vector<std::uint16_t> values(elements, 0xffff);
  copy(output, values.data(), elements * sizeof(std::uint16_t), stream);
  work(stream);
  copy(values.data(), output, elements * sizeof(std::uint16_t), stream);
  synchronise(stream);
  return values;
}

/// Microseconds of one run of each `work`, the median of `rounds` samples. A sample is `runs` of them in a row, as a
/// program: what they read is in L2 as far as it fits, as in a network, whose layers read what the one before wrote;
/// and the host takes no part. All take turns, so that a drifting clock meets each of them alike.
std::vector<double> median_us(std::span<const std::function<void(Stream)>> works, int runs, int rounds, Stream stream);

}  // namespace giemsa::cuda
