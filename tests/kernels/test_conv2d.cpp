#include "kernels/conv2d.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>

#include "engine/tensor.h"
#include "tests/kernels/device_buffer.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/compare.h"
#include "tests/ops/conv2d_cases.h"
#include "tests/ops/random.h"
#include "tests/ref/conv2d.h"
#include "tests/ref/random.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::Conv2dInputs;
using kernels::Conv2dParams;
using kernels::Conv2dPlan;
using kernels::Conv2dTile;
using kernels::Half;

namespace {

constexpr Conv2dTile all_tiles[] = {Conv2dTile::m128n64k32, Conv2dTile::m64n64k32, Conv2dTile::m32n64k64};

template <class T>
T from_float(float value) {
  if constexpr (std::is_same_v<T, Half>)
    return {f32_to_f16(value)};
  else
    return value;
}
float as_float(float value) {
  return value;
}
float as_float(Half value) {
  return f16_to_f32(value.bits);
}
bool untouched(float value) {
  return std::bit_cast<std::uint32_t>(value) == 0xffffffffu;
}
bool untouched(Half value) {
  return value.bits == 0xffff;
}

template <class T>
std::vector<T> from_floats(std::span<const float> values) {
  std::vector<T> result;
  for (float value : values) result.push_back(from_float<T>(value));
  return result;
}

/// An absent tensor still needs an address to be absent at.
template <class T>
std::vector<T> some(std::vector<T> values) {
  if (values.empty()) values.resize(1);
  return values;
}

/// Elements of others around each pixel's channels.
struct Slice {
  int before = 0, after = 0;

  int stride(std::int64_t channels) const { return before + static_cast<int>(channels) + after; }
  std::size_t index(const Shape& shape, std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
    return static_cast<std::size_t>(((n * shape[2] + y) * shape[3] + x) * stride(shape[1]) + before + c);
  }
};

/// NCHW -> NHWC within a slice, NaN around it.
template <class T>
std::vector<T> to_nhwc(const Tensor& tensor, const Slice& slice) {
  const Shape& shape = tensor.shape();
  std::vector<T> result(static_cast<std::size_t>(shape[0] * shape[2] * shape[3] * slice.stride(shape[1])),
                        from_float<T>(NAN));
  const auto values = tensor.as<float>();
  ref::for_each_element(shape, [&](std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x, std::size_t i) {
    result[slice.index(shape, n, c, y, x)] = from_float<T>(values[i]);
  });
  return result;
}

/// A case's tensors, exact in fp16, and what is to come out.
struct Problem {
  explicit Problem(const Conv2dCase& c)
      : name(c.name), op(c.op), input(ref::random_tensor(c.input, 51)), weights(weights_of(c)), out(out_of(c)) {
    if (op.residual) residual = ref::random_tensor(out, 59);
  }
  static Weights weights_of(const Conv2dCase& c) {
    Weights weights;
    weights.weight =
        ref::random_tensor({c.op.out_channels, c.input[1] / c.op.groups, c.op.kernel.h, c.op.kernel.w}, 53);
    if (c.bias) weights.bias = ref::random_tensor({c.op.out_channels}, 57);
    return weights;
  }
  static Shape out_of(const Conv2dCase& c) {
    const Conv2dParams p = shape_params(c.input, c.op);
    return {c.input[0], c.op.out_channels, p.out_h(), p.out_w()};
  }
  static Conv2dParams shape_params(const Shape& in, const Conv2d& op) {
    const auto size = [](Size2 s) { return Conv2dParams::Size{static_cast<int>(s.h), static_cast<int>(s.w)}; };
    return {.images = static_cast<int>(in[0]),
            .in_h = static_cast<int>(in[2]),
            .in_w = static_cast<int>(in[3]),
            .in_channels = static_cast<int>(in[1]),
            .out_channels = static_cast<int>(op.out_channels),
            .kernel = size(op.kernel),
            .stride = size(op.stride),
            .padding = size(op.padding),
            .dilation = size(op.dilation),
            .groups = static_cast<int>(op.groups),
            .input_pixel_stride = static_cast<int>(in[1]),
            .output_pixel_stride = static_cast<int>(op.out_channels),
            .residual_pixel_stride = op.residual ? static_cast<int>(op.out_channels) : 0,
            .relu = op.activation == Activation::relu};
  }
  ref::Reference reference() const { return ref::conv2d(input, op, weights, residual); }
  /// Of the tiles that cover it: a depthwise convolution fills hardly any of each.
  double multiply_adds() const {
    const Conv2dParams p = shape_params(input.shape(), op);
    const auto covered = [](int extent, int tile) { return double(kernels::ceil_div(extent, tile)) * tile; };
    return p.groups * covered(p.pixels(), 64) * covered(p.group_out(), 64) * covered(p.depth(), 32);
  }

  std::string name;
  Conv2d op;
  Tensor input, residual;
  Weights weights;
  Shape out;
};

/// A problem on the device, its input and output in slices. In is Half or float, for conv2d() and conv2d_f32().
template <class In, class Out>
class OnDevice {
 public:
  OnDevice(const Problem& problem, const Slice& input_slice, const Slice& output_slice)
      : problem_(problem),
        input_slice_(input_slice),
        slice_(output_slice),
        params_(Problem::shape_params(problem.input.shape(), problem.op)),
        input_(std::span<const In>(to_nhwc<In>(problem.input, input_slice))),
        weight_(std::span<const In>(packed())),
        bias_(std::span<const float>(some(from_floats<float>(problem.weights.bias.as<float>())))),
        residual_(std::span<const In>(some(to_nhwc<In>(problem.residual, output_slice)))) {
    params_.input_pixel_stride = input_slice.stride(params_.in_channels);
    params_.output_pixel_stride = output_slice.stride(params_.out_channels);
    if (problem.op.residual) params_.residual_pixel_stride = params_.output_pixel_stride;
  }

  const Conv2dParams& params() const { return params_; }

  /// The output in NCHW, once nothing was written around it.
  std::vector<float> run(const Conv2dPlan& plan) {
    DeviceBuffer<Out> output(std::int64_t{params_.pixels()} * params_.output_pixel_stride);
    DeviceBuffer<float> workspace(static_cast<std::int64_t>(workspace_bytes(params_, plan) / sizeof(float)));
    const Conv2dInputs<In> inputs{input_.data() + input_slice_.before, weight_.data(),
                                  problem_.weights.bias ? bias_.data() : nullptr,
                                  problem_.op.residual ? residual_.data() + slice_.before : nullptr};
    if constexpr (std::is_same_v<In, float>)
      conv2d_f32(output.data() + slice_.before, inputs, params_, nullptr);
    else
      conv2d(output.data() + slice_.before, workspace.data(), inputs, params_, plan, nullptr);

    const std::vector<Out> all = output.values();
    std::vector<float> result;
    ref::for_each_element(problem_.out, [&](std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x, auto) {
      result.push_back(as_float(all[slice_.index(problem_.out, n, c, y, x)]));
    });
    const auto left = std::count_if(all.begin(), all.end(), [](Out value) { return untouched(value); });
    CHECK_EQ(static_cast<std::size_t>(left), all.size() - result.size());
    return result;
  }

 private:
  std::vector<In> packed() const {
    const std::vector<In> weight = from_floats<In>(problem_.weights.weight.as<float>());
    std::vector<In> result(packed_weight_size(params_));
    pack_conv2d_weight(result.data(), weight.data(), params_);
    return result;
  }

  const Problem& problem_;
  Slice input_slice_, slice_;
  Conv2dParams params_;
  DeviceBuffer<In> input_, weight_;
  DeviceBuffer<float> bias_;
  DeviceBuffer<In> residual_;
};

/// Tensor cores align the products of an instruction and cut off what falls below the largest (Fasi et al., Numerical
/// behavior of NVIDIA tensor cores, 2021): up to twice a rounding's error. A split sum has one more addition a part.
template <class In, class Out>
double tolerance(const ref::Reference& reference, std::size_t i) {
  const double unit = std::is_same_v<In, Half> ? 0x1p-23 : 0x1p-24;
  const double nu = (reference.roundings + Conv2dPlan::max_splits) * unit;
  const double computed = nu / (1 - nu) * reference.magnitude[i];
  if constexpr (std::is_same_v<Out, float>)
    return computed;
  else
    return computed + 0x1p-11 * (std::abs(reference.value[i]) + computed) + 0x1p-25;
}

template <class In, class Out>
void check_run(OnDevice<In, Out>& device, const ref::Reference& expected, const Conv2dPlan& plan,
               const std::string& name) {
  check_close(
      device.run(plan), expected.value, [&](std::size_t i) { return tolerance<In, Out>(expected, i); },
      cat("tile ", static_cast<int>(plan.tile), ", ", plan.splits, " splits; rerun: test_kernels -tc='conv2d*' -sc='",
          name, "'"));
}

/// In all thread orders, unless that would take the emulator seconds.
template <class Test>
void in_affordable_thread_orders(const Problem& problem, const Test& test) {
  if (problem.multiply_adds() > 4e6)
    test();
  else
    in_all_thread_orders(test);
}

Conv2dCase case_named(const std::string& name) {
  for (const Conv2dCase& c : conv2d_cases())
    if (c.name == name) return c;
  FAIL("no case ", name);
  return {};
}

}  // namespace

TEST_CASE("conv2d in fp16") {
  for (const Conv2dCase& c : conv2d_cases()) {
    SUBCASE(c.name.c_str()) {
      const Problem problem(c);
      const ref::Reference expected = problem.reference();
      OnDevice<Half, Half> device(problem, {}, {});
      const Conv2dPlan plan = choose(device.params(), 132);
      in_affordable_thread_orders(problem, [&] { check_run(device, expected, plan, c.name); });
    }
  }
}

TEST_CASE("conv2d in fp32") {
  for (const Conv2dCase& c : conv2d_cases()) {
    SUBCASE(c.name.c_str()) {
      const Problem problem(c);
      const ref::Reference expected = problem.reference();
      OnDevice<float, float> device(problem, {}, {});
      in_affordable_thread_orders(problem, [&] { check_run(device, expected, {}, c.name); });
    }
  }
}

TEST_CASE("conv2d with every tile and number of splits, between and into slices") {
  // By vectors; by elements; a group's tail; residuals; K of one step and of many.
  for (const char* name : {"1x1", "1x1 stride 2", "5x5", "3x3 stride 2", "dilation 4", "groups 2 3x3 relu",
                           "residual relu 3x3", "residual relu", "3x3 unpadded to one pixel"}) {
    SUBCASE(name) {
      const Problem problem(case_named(name));
      const ref::Reference expected = problem.reference();
      OnDevice<Half, Half> aligned(problem, {8, 16}, {8, 24}), odd(problem, {1, 4}, {3, 2});
      OnDevice<Half, float> to_float(problem, {16, 0}, {4, 4});
      OnDevice<float, float> exact(problem, {1, 2}, {3, 0});
      for (Conv2dTile tile : all_tiles)
        for (int splits : {1, 2, 3, 8}) {
          const Conv2dPlan plan{tile, splits};
          if (!fits(aligned.params(), plan)) continue;
          check_run(aligned, expected, plan, name);
          check_run(odd, expected, plan, name);
          check_run(to_float, expected, plan, name);
        }
      check_run(exact, expected, {}, name);
    }
  }
}

TEST_CASE("conv2d: a plan gives the same bits in every run") {
  Conv2dCase c = case_named("3x3 on two pixels");
  c.input = {1, 40, 3, 5};
  Problem problem(c);
  Random random(61);
  problem.input = Tensor::from(c.input, random.floats(c.input.volume(), -1, 1));  // sums that round
  for (Conv2dTile tile : all_tiles) {
    OnDevice<Half, float> device(problem, {}, {});
    const std::vector<float> first = device.run({tile, 4});
    in_all_thread_orders([&] { check_equal(device.run({tile, 4}), first, "another order of threads"); });
  }
}

TEST_CASE("conv2d keeps NaN through relu, and adds in place") {
  const Conv2dParams p{.in_h = 1,
                       .in_w = 2,
                       .in_channels = 1,
                       .out_channels = 1,
                       .input_pixel_stride = 1,
                       .output_pixel_stride = 1,
                       .residual_pixel_stride = 1,
                       .relu = true};
  const std::vector<Half> one = from_floats<Half>(std::vector{1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f}),
                          values = from_floats<Half>(std::vector{NAN, 2.0f}),
                          sums = from_floats<Half>(std::vector{1.0f, 3.0f});
  DeviceBuffer<Half> in{std::span(values)}, weight{std::span(one)}, out{std::span(sums)};
  conv2d(out.data(), nullptr, {in.data(), weight.data(), nullptr, out.data()}, p, {}, nullptr);
  CHECK(std::isnan(as_float(out.values()[0])));
  CHECK_EQ(as_float(out.values()[1]), 5.0f);
}

TEST_CASE("conv2d refuses what it cannot do") {
  DeviceBuffer<Half> memory(4096);
  const Conv2dParams good{.in_h = 4,
                          .in_w = 4,
                          .in_channels = 16,
                          .out_channels = 16,
                          .kernel = {3, 3},
                          .padding = {1, 1},
                          .groups = 2,
                          .input_pixel_stride = 16,
                          .output_pixel_stride = 16};
  Conv2dInputs<Half> inputs{memory.data(), memory.data(), nullptr, nullptr};
  const auto refuses = [&](auto change, Conv2dPlan plan = {}) {
    Conv2dParams p = good;
    change(p);
    CHECK_THROWS_AS(conv2d(memory.data(), nullptr, inputs, p, plan, nullptr), std::invalid_argument);
  };
  const auto same = [](Conv2dParams&) {};
  refuses([](Conv2dParams& p) { p.images = 0; });
  refuses([](Conv2dParams& p) { p.groups = 3; });
  refuses([](Conv2dParams& p) { p.stride.w = 0; });
  refuses([](Conv2dParams& p) { p.padding.h = -1; });
  refuses([](Conv2dParams& p) { p.dilation.w = 6; });  // wider than the padded input
  refuses([](Conv2dParams& p) { p.input_pixel_stride = 15; });
  refuses([](Conv2dParams& p) { p.output_pixel_stride = 15; });
  refuses([](Conv2dParams& p) { p.residual_pixel_stride = 16; });  // but no residual
  refuses([](Conv2dParams& p) { p.images = 1 << 24; });
  refuses(same, {Conv2dTile::m64n64k32, 0});
  refuses(same, {Conv2dTile::m64n64k32, 2});  // no workspace
  refuses(same, {Conv2dTile::m64n64k32, 4});  // K of 72 has three steps
  refuses(same, {static_cast<Conv2dTile>(3), 1});
  inputs.weight = memory.data() + 1;
  refuses(same);
}

TEST_CASE("conv2d: packed weights") {
  // {2, 3, 1, 2}: o, c, kx as digits.
  const std::vector<float> weight{0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121};
  const Conv2dParams p{.in_channels = 3, .out_channels = 2, .kernel = {1, 2}};
  std::vector<float> packed(packed_weight_size(p), -1.0f);
  pack_conv2d_weight(packed.data(), weight.data(), p);
  CHECK_EQ(packed, std::vector<float>{0, 10, 20, 1, 11, 21, 0, 0, 100, 110, 120, 101, 111, 121, 0, 0});
}

TEST_CASE("conv2d: the chosen plan fits and fills the device") {
  const auto blocks = [](const Conv2dParams& p, const Conv2dPlan& plan) {
    const int m = plan.tile == Conv2dTile::m128n64k32 ? 128 : plan.tile == Conv2dTile::m64n64k32 ? 64 : 32;
    return kernels::ceil_div(p.pixels(), m) * kernels::ceil_div(p.group_out(), 64) * plan.splits;
  };
  const auto square = [](int size, int in, int out, int kernel) {
    return Conv2dParams{.in_h = size,
                        .in_w = size,
                        .in_channels = in,
                        .out_channels = out,
                        .kernel = {kernel, kernel},
                        .padding = {kernel / 2, kernel / 2},
                        .input_pixel_stride = in,
                        .output_pixel_stride = out};
  };
  for (int size : {1, 7, 14, 56, 180, 1024})
    for (int channels : {3, 64, 512, 2048})
      for (int sm_count : {1, 40, 132}) {
        const Conv2dParams p = square(size, channels, 256, 3);
        const Conv2dPlan plan = choose(p, sm_count);
        CHECK(fits(p, plan));
        CHECK(plan == choose(p, sm_count));
        CHECK_EQ(workspace_bytes(p, plan), plan.splits == 1 ? 0 : p.pixels() * 256 * sizeof(float) * plan.splits);
      }
  const Conv2dParams late = square(14, 512, 512, 3), early = square(256, 64, 256, 1);
  CHECK_GT(choose(late, 132).splits, 1);
  CHECK_GE(blocks(late, choose(late, 132)), 132);
  CHECK_EQ(choose(early, 132).splits, 1);
  CHECK(choose(early, 132).tile == Conv2dTile::m128n64k32);
  CHECK_EQ(choose(late, 1).splits, 1);  // nothing to fill
}

TEST_CASE("conv2d: cost counts every tensor once") {
  const Conv2dParams p{.images = 2,
                       .in_h = 5,
                       .in_w = 4,
                       .in_channels = 6,
                       .out_channels = 8,
                       .kernel = {3, 1},
                       .groups = 2,
                       .input_pixel_stride = 32,
                       .output_pixel_stride = 32,
                       .residual_pixel_stride = 8};
  const kernels::Cost cost = kernels::cost(p, 2);
  CHECK_EQ(cost.bytes, 2 * (2 * 5 * 4 * 6 + 8 * 3 * 3 + 2 * 2 * 3 * 4 * 8));
  CHECK_EQ(cost.flops, 2 * (2 * 3 * 4 * 8) * (3 * 3));
}
