#include "kernels/lrn.h"

#include <doctest/doctest.h>

#include "tests/kernels/slice.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/lrn_cases.h"
#include "tests/ops/random.h"
#include "tests/ref/lrn.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::LrnParams;

namespace {

/// {images, channels, 1, pixels}, exact in fp16.
Tensor input_of(const LrnCase& c) {
  const Shape shape{c.images, c.channels, 1, c.pixels};
  std::vector<float> values = Random(29).floats(shape.volume(), -20, 20);
  for (float& value : values) value = f16_to_f32(f32_to_f16(value));
  return Tensor::from(shape, std::move(values));
}

ref::Reference expected_of(const LrnCase& c, const Tensor& input) {
  ref::Reference expected(input.shape(), ref::lrn_roundings(c.op));
  ref::for_each_element(input.shape(), [&](auto n, auto channel, auto y, auto x, std::size_t i) {
    const auto value = [&](std::int64_t j) { return double{input.as<float>()[ref::at(input.shape(), n, j, y, x)]}; };
    expected.add_term(i, ref::lrn_at(c.op, value, input.shape()[1], channel));
  });
  return expected;
}

template <class T>
void check_lrn(const LrnCase& c, const Tensor& input, const ref::Reference& expected) {
  const std::string how = cat("rerun: test_kernels -tc='lrn equals*' -sc='", c.name, "'");
  for (const Placements& placed : placements)
    in_all_thread_orders([&] {
      Slice<T> in(input, placed.in), out(input.shape(), placed.out);
      kernels::lrn(out.data(), in.data(),
                   LrnParams{.pixels = c.images * c.pixels,
                             .channels = in.channels(),
                             .size = static_cast<int>(c.op.size),
                             .alpha = c.op.alpha,
                             .beta = c.op.beta,
                             .k = c.op.k,
                             .input_pixel_stride = in.stride(),
                             .output_pixel_stride = out.stride()},
                   nullptr);
      out.check(expected, cat(placed.name, "; ", how));
    });
}

}  // namespace

TEST_CASE("lrn equals its definition in double, in fp32 and fp16") {
  std::vector<LrnCase> cases(std::begin(lrn_cases), std::end(lrn_cases));
  cases.push_back({"one vector", 1, 33, 8, {5, 0.5f, 0.75f, 1.0f}});
  for (const LrnCase& c : cases) {
    SUBCASE(c.name) {
      const Tensor input = input_of(c);
      const ref::Reference expected = expected_of(c, input);
      check_lrn<float>(c, input, expected);
      check_lrn<Half>(c, input, expected);
    }
  }
}

TEST_CASE("lrn of values whose squares overflow is 0") {
  const std::vector<float> in(8, 1e30f);
  DeviceBuffer<float> device_in{std::span<const float>(in)}, out(8);
  kernels::lrn(out.data(), device_in.data(),
               LrnParams{.pixels = 1, .channels = 8, .input_pixel_stride = 8, .output_pixel_stride = 8}, nullptr);
  check_equal(out.values(), std::vector<float>(8, 0.0f), "1e30 / inf");
}

TEST_CASE("lrn refuses what it cannot do, and counts each element once") {
  DeviceBuffer<float> memory(64);
  const LrnParams good{.pixels = 2, .channels = 3, .input_pixel_stride = 3, .output_pixel_stride = 3};
  const auto refuses = [&](const LrnParams& p) {
    CHECK_THROWS_AS(kernels::lrn(memory.data() + 32, memory.data(), p, nullptr), std::invalid_argument);
  };
  CHECK_NOTHROW(kernels::lrn(memory.data() + 32, memory.data(), good, nullptr));
  LrnParams p = good;
  p.size = 0;
  refuses(p);
  p.size = 4;
  refuses(p);
  p = good;
  p.pixels = 0;
  refuses(p);
  p = good;
  p.input_pixel_stride = 2;
  refuses(p);
  p = good;
  p.output_pixel_stride = 2;
  refuses(p);
  CHECK_EQ(kernels::cost(good, 2).bytes, 2 * 3 * 2 * 2);
  CHECK_EQ(kernels::cost(good, 2).flops, 2 * 3 * 16);
}
