#include "kernels/pointwise.h"

#include <doctest/doctest.h>

#include "engine/graph/graph.h"
#include "tests/kernels/slice.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/batch_norm_cases.h"
#include "tests/ops/elementwise_cases.h"
#include "tests/ref/add.h"
#include "tests/ref/batch_norm.h"
#include "tests/ref/concat.h"
#include "tests/ref/random.h"
#include "tests/ref/relu.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::PointwiseParams;

namespace {

std::int64_t pixels_of(const Shape& shape) {
  return shape[0] * shape[2] * shape[3];
}

std::string rerun_line(const char* test_case, const std::string& subcase) {
  return cat("rerun: test_kernels -tc='", test_case, "*' -sc='", subcase, "'");
}

template <class T>
PointwiseParams params_of(const Shape& shape, const Slice<T>& in, const Slice<T>& out, bool relu,
                          float ceiling = kernels::unbounded) {
  return {.pixels = pixels_of(shape),
          .channels = out.channels(),
          .first_pixel_stride = in.stride(),
          .second_pixel_stride = in.stride(),
          .output_pixel_stride = out.stride(),
          .relu = relu,
          .ceiling = ceiling};
}

/// Runs `body` for all placements and thread orders.
template <class Body>
void everywhere(const Body& body) {
  for (const Placements& placed : placements) in_all_thread_orders([&] { body(placed); });
}

template <class T>
void check_relu(const Tensor& input, float ceiling, const std::string& how) {
  everywhere([&](const Placements& placed) {
    const ref::Reference expected = ref::relu(input, ceiling);
    Slice<T> in(input, placed.in), out(input.shape(), placed.out);
    kernels::copy_pixels(out.data(), in.data(), params_of(input.shape(), in, out, true, ceiling), nullptr);
    out.check(expected, cat(placed.name, "; ", how));
    kernels::copy_pixels(in.data(), in.data(), params_of(input.shape(), in, in, true, ceiling), nullptr);
    in.check(expected, cat(placed.name, ", in place; ", how));
  });
}

template <class T>
void check_concat(const std::vector<Tensor>& inputs, const std::string& how) {
  const ref::Reference expected = ref::concat(inputs);
  for (const bool apart : {false, true})
    in_all_thread_orders([&] {
      Slice<T> out(expected.shape, apart ? Placement{false, 8, 16} : Placement{false, 0, 0});
      int channel = 0;
      for (const Tensor& input : inputs) {
        Slice<T> in(input, {false, 0, 0});
        PointwiseParams p = params_of(input.shape(), in, out, false);
        p.channels = in.channels();
        kernels::copy_pixels(out.data() + channel, in.data(), p, nullptr);
        channel += p.channels;
      }
      out.check(expected, how);
    });
}

template <class T>
void check_add(const Tensor& a, const Tensor& b, Activation activation, const std::string& how) {
  const ref::Reference expected = ref::add(a, b, {activation});
  everywhere([&](const Placements& placed) {
    Slice<T> first(a, placed.in), second(b, placed.out), out(a.shape(), placed.out);
    PointwiseParams p = params_of(a.shape(), first, out, activation == Activation::relu);
    p.second_pixel_stride = second.stride();
    kernels::add_pixels(out.data(), first.data(), second.data(), p, nullptr);
    out.check(expected, cat(placed.name, "; ", how));
    kernels::add_pixels(second.data(), first.data(), second.data(), p, nullptr);
    second.check(expected, cat(placed.name, ", in place of the second; ", how));

    Slice<T> unchanged(b, placed.out);
    p.output_pixel_stride = first.stride();
    kernels::add_pixels(first.data(), first.data(), unchanged.data(), p, nullptr);
    first.check(expected, cat(placed.name, ", in place of the first; ", how));
  });
}

template <class T>
void check_affine(const Tensor& input, std::vector<float> scale, std::vector<float> shift,
                  const ref::Reference& expected, const std::string& how) {
  everywhere([&](const Placements& placed) {
    Slice<T> in(input, placed.in), out(input.shape(), placed.out);
    scale.resize(static_cast<std::size_t>(out.channels()));
    shift.resize(static_cast<std::size_t>(out.channels()));
    DeviceBuffer<float> device_scale{std::span<const float>(scale)}, device_shift{std::span<const float>(shift)};
    kernels::affine_pixels(out.data(), in.data(), device_scale.data(), device_shift.data(),
                           params_of(input.shape(), in, out, false), nullptr);
    out.check(expected, cat(placed.name, "; ", how));
  });
}

}  // namespace

TEST_CASE("copy_pixels with relu equals Relu's reference, in place too") {
  for (const ShapeCase& c : picture_cases()) {
    SUBCASE(c.name.c_str()) {
      const Tensor input = ref::random_tensor(c.input, 1);
      for (const float ceiling : {kernels::unbounded, 0.5f}) {
        check_relu<float>(input, ceiling, rerun_line("copy_pixels with relu", c.name));
        check_relu<Half>(input, ceiling, rerun_line("copy_pixels with relu", c.name));
      }
    }
  }
}

TEST_CASE("copy_pixels joins pictures as Concat's reference does") {
  for (const ConcatCase& c : concat_cases()) {
    SUBCASE(c.name.c_str()) {
      std::vector<Tensor> inputs;
      for (const Shape& shape : c.inputs)
        inputs.push_back(ref::random_tensor(shape, static_cast<std::uint32_t>(inputs.size() + 1)));
      check_concat<float>(inputs, rerun_line("copy_pixels joins", c.name));
      check_concat<Half>(inputs, rerun_line("copy_pixels joins", c.name));
    }
  }
}

TEST_CASE("add_pixels equals Add's reference, in place too") {
  for (const Activation activation : {Activation::none, Activation::relu}) {
    for (const ShapeCase& c : picture_cases()) {
      const std::string name = c.name + (activation == Activation::relu ? " relu" : " plain");
      SUBCASE(name.c_str()) {
        const Tensor a = ref::random_tensor(c.input, 1), b = ref::random_tensor(c.input, 2);
        check_add<float>(a, b, activation, rerun_line("add_pixels", name));
        check_add<Half>(a, b, activation, rerun_line("add_pixels", name));
      }
    }
  }
}

TEST_CASE("affine_pixels equals BatchNorm's reference") {
  for (const BatchNormCase& c : batch_norm_cases()) {
    SUBCASE(c.name.c_str()) {
      const std::int64_t channels = c.input[1];
      Weights weights;
      weights.weight = ref::random_tensor({channels}, 2, -2, 2);
      weights.bias = ref::random_tensor({channels}, 3);
      weights.running_mean = ref::random_tensor({channels}, 4);
      weights.running_var = ref::random_tensor({channels}, 5, 0, 2);
      std::vector<float> scale, shift;
      for (std::size_t i = 0; i < static_cast<std::size_t>(channels); ++i) {
        const double factor =
            weights.weight.as<float>()[i] / std::sqrt(double{weights.running_var.as<float>()[i]} + c.op.eps);
        scale.push_back(static_cast<float>(factor));
        shift.push_back(static_cast<float>(weights.bias.as<float>()[i] - factor * weights.running_mean.as<float>()[i]));
      }
      const Tensor input = ref::random_tensor(c.input, 1);
      const ref::Reference expected = ref::batch_norm(input, c.op, weights);
      check_affine<float>(input, scale, shift, expected, rerun_line("affine_pixels", c.name));
      check_affine<Half>(input, scale, shift, expected, rerun_line("affine_pixels", c.name));
    }
  }
}

TEST_CASE("affine_pixels takes scale and shift from any address") {
  const Tensor input = ref::random_tensor({1, 8, 3, 1}, 1);
  const std::vector<float> coefficients(9, 2.0f);
  ref::Reference expected(input.shape(), 0);
  for (std::size_t i = 0; i < expected.value.size(); ++i) expected.value[i] = 2.0 * input.as<float>()[i] + 2.0;
  DeviceBuffer<float> aligned{std::span<const float>(coefficients)}, shifted{std::span<const float>(coefficients)};
  for (const bool scale_shifted : {false, true}) {
    Slice<float> in(input, {true, 0, 0}), out(input.shape(), {true, 0, 0});
    const float* scale = aligned.data() + (scale_shifted ? 1 : 0);
    const float* shift = shifted.data() + (scale_shifted ? 0 : 1);
    kernels::affine_pixels(out.data(), in.data(), scale, shift, params_of(input.shape(), in, out, false), nullptr);
    out.check(expected, "all values are exact");
  }
}

TEST_CASE("pointwise kernels: relu keeps NaN, and a copy every value") {
  const std::vector<float> values{NAN, -INFINITY, INFINITY, -0.0f, 0x1p-149f, -1.0f, 1.0f, 0.1f};
  DeviceBuffer<float> in{std::span<const float>(values)}, out(8);
  PointwiseParams p{.pixels = 2, .channels = 4, .first_pixel_stride = 4, .output_pixel_stride = 4};
  kernels::copy_pixels(out.data(), in.data(), p, nullptr);
  const std::vector<float> copied = out.values();
  CHECK_EQ(std::memcmp(copied.data(), values.data(), values.size() * sizeof(float)), 0);
  p.relu = true;
  kernels::copy_pixels(out.data(), in.data(), p, nullptr);
  const std::vector<float> positive = out.values();
  CHECK(std::isnan(positive[0]));
  CHECK_EQ(positive[1], 0.0f);
  CHECK_EQ(positive[2], INFINITY);
}

TEST_CASE("pointwise kernels refuse what they cannot do") {
  DeviceBuffer<Half> memory(64);
  Half *a = memory.data(), *b = a + 16, *out = a + 32;
  const PointwiseParams good{
      .pixels = 4, .channels = 3, .first_pixel_stride = 3, .second_pixel_stride = 3, .output_pixel_stride = 4};
  CHECK_NOTHROW(kernels::add_pixels(out, a, b, good, nullptr));
  const auto refuses = [&](const PointwiseParams& p, Half* to) {
    CHECK_THROWS_AS(kernels::add_pixels(to, a, b, p, nullptr), std::invalid_argument);
  };
  refuses(good, a);  // in place with another stride
  refuses(good, b);
  PointwiseParams p = good;
  p.pixels = 0;
  refuses(p, out);
  p = good;
  p.first_pixel_stride = 2;
  refuses(p, out);
  p = good;
  p.second_pixel_stride = 0;
  refuses(p, out);
  p = good;
  p.output_pixel_stride = 2;
  refuses(p, out);
  CHECK_THROWS_AS(kernels::copy_pixels(a, a, good, nullptr), std::invalid_argument);
}

TEST_CASE("pointwise kernels: cost counts each element once") {
  const PointwiseParams p{.pixels = 5, .channels = 16};
  CHECK_EQ(kernels::cost(p, 2).bytes, 5 * 16 * 2 * 2);
  CHECK_EQ(kernels::cost(p, 4, 2).bytes, 5 * 16 * 3 * 4);
  CHECK_EQ(kernels::cost(p, 2).flops, 5 * 16);
}
