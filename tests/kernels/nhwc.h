// Pictures as the kernels take them, for tests: NCHW tensors to NHWC in fp32 or fp16 and back, channels padded to
// whole vectors, pixels further apart than they need be.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <type_traits>

#include "engine/base/tensor.h"
#include "engine/ops/types.h"
#include "kernels/nhwc.h"
#include "kernels/types.h"
#include "tests/kernels/device_buffer.h"
#include "tests/ops/compare.h"
#include "tests/ref/reference.h"

namespace giemsa::test {

using kernels::Half;

template <class T>
T stored(float value) {
  if constexpr (std::is_same_v<T, float>)
    return value;
  else
    return T{f32_to_f16(value)};
}
inline float value_of(float value) {
  return value;
}
inline float value_of(Half value) {
  return f16_to_f32(value.bits);
}

inline kernels::Extent extent_of(Size2 size) {
  return {static_cast<int>(size.h), static_cast<int>(size.w)};
}

/// The largest error of storing `value` as T: half a unit in the last place, or half the smallest number.
template <class T>
double storage_error(double value) {
  return std::is_same_v<T, float> ? 0 : 0x1p-11 * std::abs(value) + 0x1p-25;
}

/// `channels` rounded up to whole vectors of T.
template <class T>
int padded(std::int64_t channels) {
  constexpr int vector = 16 / static_cast<int>(sizeof(T));
  return kernels::ceil_div(static_cast<int>(channels), vector) * vector;
}

/// {N,C,H,W} -> {N,H,W,stride}; channels that pad C to whole vectors are 0, what lies between pixels NaN.
template <class T>
std::vector<T> to_nhwc(const Tensor& tensor, int stride) {
  const Shape& shape = tensor.shape();
  std::vector<T> result(static_cast<std::size_t>(shape[0] * shape[2] * shape[3] * stride), stored<T>(NAN));
  const auto place = [&](std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) -> T& {
    return result[static_cast<std::size_t>(((n * shape[2] + y) * shape[3] + x) * stride + c)];
  };
  ref::for_each_element({shape[0], padded<T>(shape[1]), shape[2], shape[3]},
                        [&](auto n, auto c, auto y, auto x, std::size_t) { place(n, c, y, x) = stored<T>(0); });
  ref::for_each_element(shape, [&](auto n, auto c, auto y, auto x, std::size_t i) {
    place(n, c, y, x) = stored<T>(tensor.as<float>()[i]);
  });
  return result;
}

/// A depthwise weight {C,1,h,w} -> {h,w,C}, C padded to whole vectors with 0.
template <class T>
std::vector<T> tap_major(const Tensor& weight) {
  const Shape& shape = weight.shape();
  const int channels = padded<T>(shape[0]);
  std::vector<T> result(static_cast<std::size_t>(shape[2] * shape[3] * channels), stored<T>(0));
  ref::for_each_element(shape, [&](auto c, auto, auto y, auto x, std::size_t i) {
    result[static_cast<std::size_t>((y * shape[3] + x) * channels + c)] = stored<T>(weight.as<float>()[i]);
  });
  return result;
}

/// Checks an output {N,H,W,stride} against an NCHW reference, and that nothing between pixels was written.
template <class T>
void check_nhwc(const DeviceBuffer<T>& output, int stride, const ref::Reference& expected, const std::string& how) {
  const std::vector<T> values = output.values();
  const Shape& shape = expected.shape;
  const auto at = [&](std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) {
    return values[static_cast<std::size_t>(((n * shape[2] + y) * shape[3] + x) * stride + c)];
  };
  std::vector<float> actual(expected.value.size());
  ref::for_each_element(shape,
                        [&](auto n, auto c, auto y, auto x, std::size_t i) { actual[i] = value_of(at(n, c, y, x)); });
  const auto tolerance = [&](std::size_t i) {
    const double computed = ref::tolerance(expected, i, DType::f32);
    return computed + storage_error<T>(std::abs(expected.value[i]) + computed);
  };
  check_close(actual, expected.value, tolerance, how);

  bool untouched = true;
  for (std::int64_t pixel = 0; pixel < shape[0] * shape[2] * shape[3]; ++pixel)
    for (int c = padded<T>(shape[1]); c < stride; ++c) {
      const T value = values[static_cast<std::size_t>(pixel * stride + c)];
      T never_written;
      std::memset(&never_written, 0xff, sizeof value);
      untouched &= std::memcmp(&value, &never_written, sizeof value) == 0;
    }
  CHECK_MESSAGE(untouched, "something was written between pixels; ", how);
}

}  // namespace giemsa::test
