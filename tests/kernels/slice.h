// Pictures for kernels that take any channels, strides and addresses: slices of wider NHWC tensors, laid out so that
// 16-byte vectors can be used or not, of which nothing but the slice may be written.
#pragma once

#include "tests/kernels/nhwc.h"

namespace giemsa::test {

struct Placement {
  bool whole_vectors;  ///< channels are padded to them, with 0
  int before, apart;   ///< elements before the first pixel, and between pixels
};

/// Where a kernel finds its input and puts its output.
struct Placements {
  const char* name;
  Placement in, out;
};

inline constexpr Placements placements[] = {
    {"vectors, dense", {true, 0, 0}, {true, 0, 0}},
    {"vectors, slices", {true, 16, 32}, {true, 32, 16}},
    {"vectors, only the input's aligned", {true, 0, 0}, {true, 0, 1}},
    {"vectors, only the output's aligned", {true, 1, 0}, {true, 0, 0}},
    {"dense", {false, 0, 0}, {false, 0, 0}},
    {"slices", {false, 3, 5}, {false, 1, 2}},
};

/// A picture {N,C,H,W} in device memory as {N,H,W,stride()}; all around its channels is NaN.
template <class T>
class Slice {
 public:
  Slice(const Shape& nchw, const Placement& placement) : Slice(nchw, placement, {}) {}
  Slice(const Tensor& nchw, const Placement& placement) : Slice(nchw.shape(), placement, nchw.as<float>()) {}

  T* data() { return memory_.data() + placement_.before; }
  int channels() const {
    return placement_.whole_vectors ? padded<T>(static_cast<int>(shape_[1])) : static_cast<int>(shape_[1]);
  }
  int stride() const { return channels() + placement_.apart; }

  /// Checks the channels against `expected`, and that nothing around them was written.
  void check(const ref::Reference& expected, const std::string& how) const {
    const std::vector<T> values = memory_.values();
    std::vector<float> actual(expected.value.size());
    ref::for_each_element(shape_, [&](auto n, auto c, auto y, auto x, std::size_t i) {
      actual[i] = value_of(values[index(n, c, y, x)]);
    });
    const auto tolerance = [&](std::size_t i) {
      const double computed = ref::tolerance(expected, i, DType::f32);
      return computed + (expected.roundings > 0 ? storage_error<T>(std::abs(expected.value[i]) + computed) : 0);
    };
    check_close(actual, expected.value, tolerance, how);

    T never_written;
    std::memset(&never_written, 0xff, sizeof never_written);
    bool untouched = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto before = static_cast<std::size_t>(placement_.before);
      const bool outside =
          i < before || (i - before) % static_cast<std::size_t>(stride()) >= static_cast<std::size_t>(channels());
      if (outside) untouched &= std::memcmp(&values[i], &never_written, sizeof never_written) == 0;
    }
    CHECK_MESSAGE(untouched, "something was written around the slice; ", how);
  }

 private:
  Slice(const Shape& nchw, const Placement& placement, std::span<const float> values)
      : shape_(nchw), placement_(placement), memory_(std::span<const T>(contents(values))) {}

  std::size_t index(std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
    return static_cast<std::size_t>(placement_.before + ((n * shape_[2] + y) * shape_[3] + x) * stride() + c);
  }

  std::vector<T> contents(std::span<const float> values) const {
    const std::int64_t pixels = shape_[0] * shape_[2] * shape_[3];
    std::vector<T> result(static_cast<std::size_t>(placement_.before + pixels * stride()));
    std::memset(result.data(), 0xff, result.size() * sizeof(T));
    if (values.empty()) return result;
    ref::for_each_element(
        {shape_[0], channels(), shape_[2], shape_[3]},
        [&](auto n, auto c, auto y, auto x, std::size_t) { result[index(n, c, y, x)] = stored<T>(0); });
    ref::for_each_element(shape_, [&](auto n, auto c, auto y, auto x, std::size_t i) {
      result[index(n, c, y, x)] = stored<T>(values[i]);
    });
    return result;
  }

  Shape shape_;
  Placement placement_;
  DeviceBuffer<T> memory_;
};

}  // namespace giemsa::test
