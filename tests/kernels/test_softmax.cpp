#include "kernels/softmax.h"

#include <doctest/doctest.h>

#include "tests/kernels/nhwc.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/elementwise_cases.h"
#include "tests/ref/random.h"
#include "tests/ref/softmax.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::SoftmaxParams;

namespace {

/// With `apart` elements of NaN between rows.
template <class T>
std::vector<float> run(const Tensor& input, int apart = 0) {
  const auto rows = static_cast<int>(input.shape()[0]), columns = static_cast<int>(input.shape()[1]);
  std::vector<T> in(static_cast<std::size_t>(rows * (columns + apart)), stored<T>(NAN));
  for (int row = 0; row < rows; ++row)
    for (int k = 0; k < columns; ++k)
      in[static_cast<std::size_t>(row * (columns + apart) + k)] =
          stored<T>(input.as<float>()[static_cast<std::size_t>(row * columns + k)]);
  DeviceBuffer<T> device_in{std::span<const T>(in)};
  DeviceBuffer<float> out(input.shape().volume());
  const SoftmaxParams params{.rows = rows, .columns = columns, .input_stride = apart == 0 ? 0 : columns + apart};
  kernels::softmax(out.data(), device_in.data(), params, nullptr);
  return out.values();
}

}  // namespace

TEST_CASE("softmax equals its reference in fp32 and fp16") {
  for (const ShapeCase& c : row_cases()) {
    SUBCASE(c.name.c_str()) {
      const Tensor input = ref::random_tensor(c.input, 1, -3, 3);
      const ref::Reference expected = ref::softmax(input);
      const std::string how = cat("rerun: test_kernels -tc='softmax equals*' -sc='", c.name, "'");
      in_all_thread_orders([&] {
        const std::vector<float> out = run<float>(input);
        check_close(
            out, expected.value, [&](std::size_t i) { return ref::tolerance(expected, i, DType::f32); }, how);
        check_equal(run<Half>(input), out, how);  // the inputs are exact in both
        check_equal(run<float>(input, 3), out, cat("rows apart; ", how));
        check_equal(run<Half>(input, 3), out, cat("rows apart; ", how));
      });
    }
  }
}

TEST_CASE("softmax: far apart, and NaN") {
  const std::vector<float> apart = run<float>(Tensor::from({1, 3}, std::vector<float>{-1e30f, 1e30f, 0}));
  CHECK_EQ(apart, std::vector<float>{0, 1, 0});
  for (const float value : run<float>(Tensor::from({1, 2}, std::vector<float>{0, NAN}))) CHECK(std::isnan(value));
}

TEST_CASE("softmax refuses empty and overlapping rows, and counts each element once") {
  DeviceBuffer<float> memory(8);
  CHECK_THROWS_AS(kernels::softmax(memory.data(), memory.data() + 4, {1, 0}, nullptr), std::invalid_argument);
  CHECK_THROWS_AS(kernels::softmax(memory.data(), memory.data() + 4, {0, 1}, nullptr), std::invalid_argument);
  CHECK_THROWS_AS(kernels::softmax(memory.data(), memory.data() + 4, {2, 2, 1}, nullptr), std::invalid_argument);
  CHECK_EQ(kernels::cost(SoftmaxParams{3, 5}, 2).bytes, 3 * 5 * 6);
  CHECK_EQ(kernels::cost(SoftmaxParams{3, 5}, 2).flops, 3 * 5 * 4);
}
