#include "kernels/linear.h"

#include <doctest/doctest.h>

#include "tests/kernels/nhwc.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/linear_cases.h"
#include "tests/ops/random.h"
#include "tests/ref/linear.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::LinearParams;

namespace {

constexpr std::int64_t vector_of_weights = 16;

using giemsa::test::value_of;
float value_of(std::int8_t value) {
  return value;
}

/// {rows, columns} -> rows padded with 0 to whole vectors.
template <class T>
std::vector<T> padded_rows(const std::vector<T>& values, std::int64_t columns) {
  const std::int64_t length = kernels::ceil_div(columns, vector_of_weights) * vector_of_weights;
  std::vector<T> result;
  for (std::size_t i = 0; i < values.size(); i += static_cast<std::size_t>(columns)) {
    result.insert(result.end(), values.begin() + static_cast<std::ptrdiff_t>(i),
                  values.begin() + static_cast<std::ptrdiff_t>(i) + columns);
    result.resize(result.size() + static_cast<std::size_t>(length - columns), T{});
  }
  return result;
}

template <class T>
std::vector<T> random_values(std::uint64_t seed, std::int64_t count, float limit) {
  if constexpr (std::is_same_v<T, std::int8_t>) {
    return Random(seed).integers<T>(count);
  } else {
    std::vector<T> result;
    for (const float value : Random(seed).floats(count, -limit, limit)) result.push_back(stored<T>(value));
    return result;
  }
}

template <class T>
std::vector<float> values_of(const std::vector<T>& values) {
  std::vector<float> result;
  for (const T value : values) result.push_back(value_of(value));
  return result;
}

template <class Y, class X, class W>
std::vector<float> run(const LinearParams& params, const std::vector<X>& x, const std::vector<W>& weights,
                       const std::vector<float>& scale, const std::vector<float>& bias) {
  DeviceBuffer<X> device_x{std::span(x)};
  DeviceBuffer<W> device_weights{std::span(weights)};
  const std::vector<float> unread(1);
  DeviceBuffer<float> device_scale{std::span(scale.empty() ? unread : scale)};
  DeviceBuffer<float> device_bias{std::span(bias.empty() ? unread : bias)};
  DeviceBuffer<Y> y(std::int64_t{params.samples} * params.out);
  kernels::linear(y.data(), device_x.data(), device_weights.data(), scale.empty() ? nullptr : device_scale.data(),
                  bias.empty() ? nullptr : device_bias.data(), params, nullptr);
  return values_of(y.values());
}

template <class Y, class X, class W>
void check_case(const LinearCase& c) {
  const std::vector<X> x = random_values<X>(31, c.samples * c.in, 2);
  const std::vector<W> weights = random_values<W>(37, c.out * c.in, 1);
  const auto scale = Random(41).floats(c.scale ? c.out : 0, 0.001f, 0.02f);
  const auto bias = Random(43).floats(c.bias ? c.out : 0, -1, 1);

  const std::vector<float> x_values = values_of(x), w_values = values_of(weights);
  std::vector<double> expected, tolerance;
  // A lane's products and their sum, five additions between lanes, scale and bias: each rounds once.
  const std::int64_t a_lane = kernels::ceil_div(c.in, 32 * vector_of_weights) * vector_of_weights;
  for (std::int64_t s = 0; s < c.samples; ++s)
    for (std::int64_t o = 0; o < c.out; ++o) {
      const auto at = static_cast<std::size_t>(o);
      const ref::LinearValue value =
          ref::linear_at(x_values.data() + s * c.in, w_values.data() + o * c.in, c.in, c.scale ? double{scale[at]} : 1,
                         c.bias ? double{bias[at]} : 0, c.activation);
      const double computed = static_cast<double>(a_lane + 8) * 0x1p-24 * value.magnitude;
      expected.push_back(value.value);
      tolerance.push_back(computed + storage_error<Y>(std::abs(value.value) + computed));
    }

  const std::vector<X> padded_x = padded_rows(x, c.in);
  const std::vector<W> padded_weights = padded_rows(weights, c.in);
  LinearParams params{.samples = static_cast<int>(c.samples),
                      .in = static_cast<int>(kernels::ceil_div(c.in, vector_of_weights) * vector_of_weights),
                      .out = static_cast<int>(c.out),
                      .relu = c.activation == Activation::relu};
  const std::string how = cat("rerun: test_kernels -tc='linear equals*' -sc='", c.name, "'");
  in_all_thread_orders([&] {
    params.samples = static_cast<int>(c.samples);
    const std::vector<float> y = run<Y>(params, padded_x, padded_weights, scale, bias);
    check_close(
        y, expected, [&](std::size_t i) { return tolerance[i]; }, how);

    params.samples = 1;  // the first alone: the same bits
    const std::vector<X> first(padded_x.begin(), padded_x.begin() + params.in);
    check_equal(run<Y>(params, first, padded_weights, scale, bias),
                std::vector<float>(y.begin(), y.begin() + params.out), how);
  });
}

}  // namespace

TEST_CASE("linear equals its reference for all types, whatever the batch") {
  for (const LinearCase& c : linear_cases) {
    SUBCASE(c.name) {
      check_case<float, float, float>(c);
      check_case<float, float, std::int8_t>(c);
      check_case<float, Half, Half>(c);
      check_case<float, Half, std::int8_t>(c);
      check_case<Half, Half, Half>(c);
      check_case<Half, Half, std::int8_t>(c);
    }
  }
}

TEST_CASE("linear keeps NaN through relu") {
  const std::vector<float> x(16, NAN), weights(16, 1.0f);
  CHECK(std::isnan(run<float>(LinearParams{.in = 16, .out = 1, .relu = true}, x, weights, {}, {})[0]));
}

TEST_CASE("linear refuses what it cannot do") {
  DeviceBuffer<Half> memory(4096);
  const auto refuses = [&](const LinearParams& p, std::ptrdiff_t offset = 0) {
    CHECK_THROWS_AS(kernels::linear(memory.data() + 2048, memory.data(), memory.data() + offset,
                                    static_cast<const float*>(nullptr), static_cast<const float*>(nullptr), p, nullptr),
                    std::invalid_argument);
  };
  refuses({.samples = 1, .in = 16, .out = 1}, 1);
  refuses({.samples = 1, .in = 24, .out = 1});
  refuses({.samples = 0, .in = 16, .out = 1});
  refuses({.samples = 1, .in = 16, .out = 0});
  refuses({.samples = 1 << 20, .in = 16, .out = 1});
}

TEST_CASE("linear: cost counts each weight once") {
  const kernels::Cost cost = kernels::cost(LinearParams{.samples = 3, .in = 32, .out = 5}, 4, 2, 1);
  CHECK_EQ(cost.bytes, 32 * 5 + 3 * 32 * 2 + 3 * 5 * 4);
  CHECK_EQ(cost.flops, 2 * 32 * 5 * 3);
}
