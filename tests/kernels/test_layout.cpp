#include "kernels/layout.h"

#include <doctest/doctest.h>

#include "tests/kernels/slice.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/elementwise_cases.h"
#include "tests/ref/flatten.h"
#include "tests/ref/random.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::LayoutParams;

namespace {

std::vector<ShapeCase> cases() {
  std::vector<ShapeCase> result = picture_cases();
  result.push_back({"several tiles both ways", {2, 67, 9, 15}});
  return result;
}

/// Elements after each image; 700 is more than a block has threads.
constexpr std::int64_t paddings[] = {0, 7, 700};

LayoutParams params_of(const Shape& shape, int pixel_stride, std::int64_t padding) {
  const std::int64_t image = shape[1] * shape[2] * shape[3];
  return {.images = static_cast<int>(shape[0]),
          .channels = static_cast<int>(shape[1]),
          .map = extent_of({shape[2], shape[3]}),
          .pixel_stride = pixel_stride,
          .image_stride = padding == 0 ? 0 : image + padding};
}

/// The rows of a tensor {images, image} with `padding` of `filling` after each.
template <class T>
std::vector<T> padded_rows(const ref::Reference& rows, std::int64_t padding, float filling) {
  const std::int64_t image = rows.shape[1];
  std::vector<T> result(static_cast<std::size_t>(rows.shape[0] * (image + padding)), stored<T>(filling));
  for (std::int64_t n = 0; n < rows.shape[0]; ++n)
    for (std::int64_t i = 0; i < image; ++i)
      result[static_cast<std::size_t>(n * (image + padding) + i)] =
          stored<T>(static_cast<float>(rows.value[static_cast<std::size_t>(n * image + i)]));
  return result;
}

template <class T>
void check_to_nhwc(const Tensor& input, const std::string& how) {
  ref::Reference expected(input.shape(), 0);
  expected.value.assign(input.as<float>().begin(), input.as<float>().end());
  for (const std::int64_t padding : paddings) {
    const std::vector<float> in = padded_rows<float>(ref::flatten(input), padding, NAN);
    for (const Placements& placed : placements) {
      if (placed.out.whole_vectors) continue;  // what pads them is left alone
      in_all_thread_orders([&] {
        DeviceBuffer<float> device_in{std::span<const float>(in)};
        Slice<T> out(input.shape(), placed.out);
        kernels::nchw_to_nhwc(out.data(), device_in.data(), params_of(input.shape(), out.stride(), padding), nullptr);
        out.check(expected, cat(placed.name, "; ", how));
      });
    }
  }
}

template <class Out, class In>
void check_to_nchw(const Tensor& input, const std::string& how) {
  for (const std::int64_t padding : paddings) {
    std::vector<float> expected;
    for (const Out value : padded_rows<Out>(ref::flatten(input), padding, 0)) expected.push_back(value_of(value));
    for (const Placements& placed : placements)
      in_all_thread_orders([&] {
        Slice<In> in(input, placed.in);
        DeviceBuffer<Out> out(static_cast<std::int64_t>(expected.size()));
        kernels::nhwc_to_nchw(out.data(), in.data(), params_of(input.shape(), in.stride(), padding), nullptr);
        std::vector<float> actual;
        for (const Out value : out.values()) actual.push_back(value_of(value));
        check_equal(actual, expected, cat(placed.name, ", padded by ", padding, "; ", how));
      });
  }
}

}  // namespace

TEST_CASE("nchw_to_nhwc moves every element to its place") {
  for (const ShapeCase& c : cases()) {
    SUBCASE(c.name.c_str()) {
      const Tensor input = ref::random_tensor(c.input, 1);
      const std::string how = cat("rerun: test_kernels -tc='nchw_to_nhwc moves*' -sc='", c.name, "'");
      check_to_nhwc<float>(input, how);
      check_to_nhwc<Half>(input, how);
    }
  }
}

TEST_CASE("nhwc_to_nchw equals Flatten's reference, and fills its padding with 0") {
  for (const ShapeCase& c : cases()) {
    SUBCASE(c.name.c_str()) {
      const Tensor input = ref::random_tensor(c.input, 1);
      const std::string how = cat("rerun: test_kernels -tc='nhwc_to_nchw equals*' -sc='", c.name, "'");
      check_to_nchw<float, float>(input, how);
      check_to_nchw<float, Half>(input, how);
      check_to_nchw<Half, Half>(input, how);
      check_to_nchw<Half, float>(input, how);
    }
  }
}

TEST_CASE("nchw_to_nhwc rounds to nearest even") {
  const std::vector<float> in{1 + 0x1p-11f, 1 + 0x3p-11f, 1e6f, NAN};
  DeviceBuffer<float> device_in{std::span<const float>(in)};
  DeviceBuffer<Half> out(4);
  kernels::nchw_to_nhwc(out.data(), device_in.data(), {.channels = 4, .map = {1, 1}, .pixel_stride = 4}, nullptr);
  const std::vector<Half> values = out.values();
  CHECK_EQ(value_of(values[0]), 1.0f);
  CHECK_EQ(value_of(values[1]), 1 + 0x1p-9f);
  CHECK_EQ(value_of(values[2]), INFINITY);
  CHECK(std::isnan(value_of(values[3])));
}

TEST_CASE("layout kernels refuse what they cannot do") {
  DeviceBuffer<float> memory(64);
  const LayoutParams good{.channels = 2, .map = {2, 2}, .pixel_stride = 2, .image_stride = 8};
  CHECK_NOTHROW(kernels::nhwc_to_nchw(memory.data() + 32, memory.data(), good, nullptr));
  const auto refuse = [&](const LayoutParams& p) {
    CHECK_THROWS_AS(kernels::nhwc_to_nchw(memory.data() + 32, memory.data(), p, nullptr), std::invalid_argument);
    CHECK_THROWS_AS(kernels::nchw_to_nhwc(memory.data() + 32, memory.data(), p, nullptr), std::invalid_argument);
  };
  LayoutParams p = good;
  p.image_stride = 7;
  refuse(p);
  p = good;
  p.pixel_stride = 1;
  refuse(p);
  p = good;
  p.images = 1 << 16;
  refuse(p);
  p = good;
  p.map = {0, 2};
  refuse(p);
  p = good;
  p.map = {1 << 16, 1 << 15};
  p.image_stride = 0;
  refuse(p);
}

TEST_CASE("layout kernels: cost counts each element once, padding not at all") {
  const kernels::Cost cost = kernels::cost(
      LayoutParams{.images = 2, .channels = 3, .map = {5, 7}, .pixel_stride = 8, .image_stride = 128}, 4, 2);
  CHECK_EQ(cost.bytes, 2 * 3 * 5 * 7 * 6);
  CHECK_EQ(cost.flops, 0);
}
