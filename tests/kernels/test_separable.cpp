#include "kernels/separable.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "kernels/aspp.h"
#include "kernels/depthwise.h"
#include "tests/kernels/nhwc.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ref/conv2d.h"
#include "tests/ref/random.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::SeparableInputs;
using kernels::SeparableParams;
using kernels::SeparablePlan;
using kernels::SeparableTile;

namespace {

constexpr SeparableTile all_tiles[] = {SeparableTile::m32n256k32, SeparableTile::m32n128k64};

struct SeparableCase {
  const char* name;  // no commas: doctest's -sc takes a list
  Shape input;
  std::int64_t out_channels;
  Size2 stride, padding, dilation;
  bool biases, depthwise_relu, relu;
  Activation activation = Activation::relu;  // where there is one

  double reach() const { return activation == Activation::relu6 ? 1.75 : 1; }  // sums on both sides of 6
};

const SeparableCase separable_cases[] = {
    {"one pixel", {1, 8, 1, 1}, 1, {1, 1}, {1, 1}, {1, 1}, true, false, true},
    {"one row", {1, 40, 1, 33}, 31, {1, 1}, {1, 1}, {1, 1}, true, true, true},
    {"one column of odd outputs", {1, 16, 31, 1}, 33, {1, 1}, {1, 1}, {1, 1}, false, false, false},
    {"decoder", {1, 304, 9, 11}, 40, {1, 1}, {1, 1}, {1, 1}, true, true, true},
    {"two images not square", {2, 72, 5, 13}, 64, {1, 1}, {1, 1}, {1, 1}, true, true, false},
    {"stride 2", {2, 24, 9, 7}, 24, {2, 2}, {1, 1}, {1, 1}, true, false, true},
    {"stride 1 by 2 unpadded", {1, 16, 7, 10}, 8, {1, 2}, {0, 0}, {1, 1}, true, false, false},
    {"dilation 3 unpadded", {1, 32, 9, 8}, 16, {1, 1}, {0, 0}, {3, 3}, false, false, true},
    {"rate 12", {1, 264, 14, 14}, 24, {1, 1}, {12, 12}, {12, 12}, true, true, true},
    {"rate 24 beyond the map", {1, 64, 14, 14}, 32, {1, 1}, {24, 24}, {24, 24}, true, false, true},
    {"rate 36 stride 2", {3, 16, 7, 5}, 17, {2, 2}, {36, 36}, {36, 36}, true, false, false},
    {"padding beyond the kernel", {1, 8, 3, 2}, 8, {1, 1}, {4, 4}, {1, 1}, true, true, false},
    {"dilation 1 by 3 padded 2 by 1", {1, 24, 6, 10}, 9, {1, 1}, {2, 1}, {1, 3}, true, false, false},
    {"two tiles of outputs", {1, 16, 3, 3}, 260, {1, 1}, {1, 1}, {1, 1}, true, false, false},
    {"relu6", {1, 72, 7, 9}, 33, {1, 1}, {1, 1}, {1, 1}, true, true, true, Activation::relu6},
    {"relu6 of the depthwise alone", {1, 40, 9, 8}, 24, {2, 2}, {1, 1}, {1, 1}, true, true, false, Activation::relu6},
};

std::string rerun_of(const SeparableCase& c, const SeparablePlan& plan) {
  return cat("tile ", static_cast<int>(plan.tile), ", ", plan.splits, " splits, ", plan.patches ? "patches" : "rows",
             "; rerun: test_kernels -tc='separable*' -sc='", c.name, "'");
}

/// A case's tensors, exact in fp16, and the two convolutions of the reference.
struct Problem {
  explicit Problem(const SeparableCase& c)
      : input(ref::random_tensor(c.input, 71, -c.reach(), c.reach())), channels(c.input[1]), expected(Shape{1}, 0) {
    depthwise = {.out_channels = channels,
                 .kernel = {3, 3},
                 .stride = c.stride,
                 .padding = c.padding,
                 .dilation = c.dilation,
                 .groups = channels,
                 .activation = c.depthwise_relu ? c.activation : Activation::none};
    pointwise = {.out_channels = c.out_channels, .activation = c.relu ? c.activation : Activation::none};
    depthwise_weights.weight = ref::random_tensor({channels, 1, 3, 3}, 73, -c.reach(), c.reach());
    weights.weight = ref::random_tensor({c.out_channels, channels, 1, 1}, 79);
    if (c.biases) {
      depthwise_weights.bias = ref::random_tensor({channels}, 83);
      weights.bias = ref::random_tensor({c.out_channels}, 89);
    }
    expect();
  }

  /// What comes out, and how far a result may be from it: mid's errors pass through the pointwise weights.
  void expect() {
    const ref::Reference mid = ref::conv2d(input, depthwise, depthwise_weights);
    std::vector<float> values(mid.value.begin(), mid.value.end()), errors;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double computed = ref::tolerance(mid, i, DType::f32);
      // Besides its own: the reference's mid is rounded to fp32 here.
      const double stored = computed + storage_error<Half>(std::abs(mid.value[i]) + computed);
      errors.push_back(static_cast<float>(stored + 0x1p-24 * std::abs(mid.value[i])));
    }
    const Tensor exact = Tensor::from(mid.shape, std::move(values));
    expected = ref::conv2d(exact, pointwise, weights);

    Weights magnitudes;
    const auto weight = weights.weight.as<float>();
    std::vector<float> absolute(weight.begin(), weight.end());
    for (float& value : absolute) value = std::abs(value);
    magnitudes.weight = Tensor::from(weights.weight.shape(), std::move(absolute));
    const Tensor error = Tensor::from(mid.shape, std::move(errors));
    passed_on = ref::conv2d(error, {.out_channels = pointwise.out_channels}, magnitudes).value;
  }

  /// Makes what is left of a window's sum so small that fp16 shows how fp32 rounded on the way: opposite taps cancel.
  void make_cancelling() {
    Random random(97);
    input = Tensor::from(input.shape(), random.floats(input.shape().volume(), 63, 65));
    std::vector<float> taps = random.floats(depthwise_weights.weight.shape().volume(), -1, 1);
    for (std::size_t i = 0; i < taps.size(); i += 9)
      for (std::size_t tap = 0; tap < 4; ++tap) taps[i + 8 - tap] = -taps[i + tap];
    depthwise_weights.weight = Tensor::from(depthwise_weights.weight.shape(), std::move(taps));
  }

  /// Tensor cores cut off what an instruction's largest product leaves no room for, up to twice a rounding's error (see
  /// test_conv2d.cpp); a split sum has one more addition a part.
  double tolerance(std::size_t i) const {
    const double nu = (expected.roundings + SeparablePlan::max_splits) * 0x1p-23;
    const double computed = passed_on[i] + nu / (1 - nu) * (expected.magnitude[i] + passed_on[i]);
    return computed + storage_error<Half>(std::abs(expected.value[i]) + computed);
  }

  Tensor input;
  std::int64_t channels;
  Conv2d depthwise, pointwise;
  Weights depthwise_weights, weights;
  ref::Reference expected;
  std::vector<double> passed_on;
};

/// A problem in device memory; input and output are slices of wider tensors.
class OnDevice {
 public:
  OnDevice(const Problem& problem, int apart)
      : problem_(problem),
        params_(params_of(problem, apart)),
        out_before_(apart),
        input_(std::span<const Half>(to_nhwc<Half>(problem.input, params_.input_pixel_stride))),
        depthwise_weight_(std::span<const Half>(tap_major<Half>(problem.depthwise_weights.weight))),
        weight_(std::span<const Half>(packed())),
        depthwise_bias_(std::span<const float>(floats(problem.depthwise_weights.bias))),
        bias_(std::span<const float>(floats(problem.weights.bias))) {}

  const SeparableParams& params() const { return params_; }

  /// Fused: the bits of {N,C,H,W}. Nothing else may be written.
  std::vector<int> run(const SeparablePlan& plan) {
    return run([&](Half* out) {
      DeviceBuffer<float> workspace(static_cast<std::int64_t>(workspace_bytes(params_, plan) / sizeof(float)) + 4);
      kernels::separable(out, workspace.data(),
                         {input_.data(), depthwise_weight_.data(), depthwise_bias(), weight_.data(), bias()}, params_,
                         plan, nullptr);
    });
  }

  /// By the two kernels that it fuses.
  std::vector<int> run_pair(const kernels::Conv2dPlan& plan) {
    return run([&](Half* out) {
      const kernels::Conv2dParams pointwise = params_.pointwise();
      const kernels::DepthwiseParams depthwise{.images = params_.images,
                                               .channels = params_.channels,
                                               .in = {params_.in_h, params_.in_w},
                                               .out = {params_.out_h(), params_.out_w()},
                                               .window = params_.window,
                                               .input_pixel_stride = params_.input_pixel_stride,
                                               .output_pixel_stride = params_.channels,
                                               .relu = params_.depthwise_relu,
                                               .ceiling = params_.depthwise_ceiling};
      DeviceBuffer<Half> mid(std::int64_t{params_.pixels()} * params_.channels);
      kernels::depthwise<Half>(mid.data(), input_.data(), depthwise_weight_.data(), depthwise_bias(), depthwise,
                               nullptr);
      DeviceBuffer<float> workspace(
          static_cast<std::int64_t>(kernels::workspace_bytes(pointwise, plan) / sizeof(float)) + 4);
      kernels::conv2d(out, workspace.data(), {mid.data(), weight_.data(), bias(), nullptr}, pointwise, plan, nullptr);
    });
  }

 private:
  static SeparableParams params_of(const Problem& problem, int apart) {
    const Shape& in = problem.input.shape();
    return {.images = static_cast<int>(in[0]),
            .in_h = static_cast<int>(in[2]),
            .in_w = static_cast<int>(in[3]),
            .channels = static_cast<int>(in[1]),
            .out_channels = static_cast<int>(problem.pointwise.out_channels),
            .window = {extent_of(problem.depthwise.kernel), extent_of(problem.depthwise.stride),
                       extent_of(problem.depthwise.padding), extent_of(problem.depthwise.dilation)},
            .input_pixel_stride = static_cast<int>(in[1]) + 8 * apart,
            .output_pixel_stride = static_cast<int>(problem.pointwise.out_channels) + 2 * apart,
            .depthwise_relu = problem.depthwise.activation != Activation::none,
            .relu = problem.pointwise.activation != Activation::none,
            .depthwise_ceiling = ceiling_of(problem.depthwise.activation),
            .ceiling = ceiling_of(problem.pointwise.activation)};
  }
  std::vector<Half> packed() const {
    std::vector<Half> weight, result(kernels::packed_weight_size(params_.pointwise()));
    for (const float value : problem_.weights.weight.as<float>()) weight.push_back(stored<Half>(value));
    kernels::pack_conv2d_weight(result.data(), weight.data(), params_.pointwise());
    return result;
  }
  static std::vector<float> floats(const Tensor& tensor) {
    if (!tensor) return std::vector<float>(4);
    const auto values = tensor.as<float>();
    return {values.begin(), values.end()};
  }
  bool has_bias() const { return static_cast<bool>(problem_.weights.bias); }
  const float* depthwise_bias() { return has_bias() ? depthwise_bias_.data() : nullptr; }
  const float* bias() { return has_bias() ? bias_.data() : nullptr; }

  template <class Kernels>
  std::vector<int> run(const Kernels& kernels) {
    const Shape& shape = problem_.expected.shape;
    const int stride = params_.output_pixel_stride;
    DeviceBuffer<Half> output(std::int64_t{params_.pixels()} * stride);
    kernels(output.data() + out_before_);
    const std::vector<Half> all = output.values();
    std::vector<int> result;
    ref::for_each_element(shape, [&](auto n, auto c, auto y, auto x, auto) {
      result.push_back(
          all[static_cast<std::size_t>(((n * shape[2] + y) * shape[3] + x) * stride + out_before_ + c)].bits);
    });
    const auto left = std::ranges::count_if(all, [](Half value) { return value.bits == 0xffff; });
    CHECK_EQ(static_cast<std::size_t>(left), all.size() - result.size());
    return result;
  }

  const Problem& problem_;
  SeparableParams params_;
  int out_before_;
  DeviceBuffer<Half> input_, depthwise_weight_, weight_;
  DeviceBuffer<float> depthwise_bias_, bias_;
};

void check_values(const Problem& problem, const std::vector<int>& bits, const std::string& how) {
  std::vector<float> values;
  for (const int value : bits) values.push_back(f16_to_f32(static_cast<std::uint16_t>(value)));
  check_close(
      values, problem.expected.value, [&](std::size_t i) { return problem.tolerance(i); }, how);
}

}  // namespace

TEST_CASE("separable equals two convolutions") {
  for (const SeparableCase& c : separable_cases) {
    SUBCASE(c.name) {
      const Problem problem(c);
      OnDevice dense(problem, 0), slices(problem, 1), wide_slices(problem, 4);
      for (SeparableTile tile : all_tiles)
        for (const bool patches : {false, true}) {
          const SeparablePlan plan{tile, 1, patches};
          check_values(problem, dense.run(plan), rerun_of(c, plan));
          check_values(problem, slices.run(plan), rerun_of(c, plan));
          check_values(problem, wide_slices.run(plan), rerun_of(c, plan));
        }
    }
  }
}

TEST_CASE("separable has the bits of depthwise and conv2d, however its channels are split") {
  for (const SeparableCase& c : separable_cases) {
    SUBCASE(c.name) {
      Problem problem(c);
      problem.make_cancelling();
      OnDevice device(problem, 1);
      int plans = 0;
      for (SeparableTile tile : all_tiles)
        for (int splits = 1; splits <= SeparablePlan::max_splits; ++splits) {
          const SeparablePlan plan{tile, splits, splits % 2 == 0};
          if (!fits(device.params(), plan)) continue;
          ++plans;
          const auto of_same_k =
              tile == SeparableTile::m32n256k32 ? kernels::Conv2dTile::m64n64k32 : kernels::Conv2dTile::m32n64k64;
          check_equal(device.run(plan), device.run_pair({of_same_k, splits}), rerun_of(c, plan));
        }
      CHECK_GE(plans, 2);
    }
  }
}

TEST_CASE("separable: a plan gives the same bits in all thread orders") {
  const SeparableCase c{"splits", {1, 136, 5, 9}, 20, {1, 1}, {2, 2}, {2, 2}, true, true, false};
  const Problem problem(c);
  OnDevice device(problem, 1);
  for (SeparableTile tile : all_tiles)
    for (const int splits : {1, 2}) {
      const SeparablePlan plan{tile, splits, splits == 2};
      const std::vector<int> first = device.run(plan);
      check_values(problem, first, rerun_of(c, plan));
      in_all_thread_orders([&] { check_equal(device.run(plan), first, "another order of threads"); });
    }
}

TEST_CASE("separable keeps NaN through both relus") {
  const std::vector<Half> in(8, stored<Half>(NAN)), zeros(9 * 8, stored<Half>(0)), ones(8, stored<Half>(1));
  DeviceBuffer<Half> input{std::span(in)}, depthwise_weight{std::span(zeros)}, weight{std::span(ones)}, out(1);
  const SeparableParams p{.in_h = 1,
                          .in_w = 1,
                          .channels = 8,
                          .out_channels = 1,
                          .window = {.kernel = {3, 3}, .padding = {1, 1}},
                          .input_pixel_stride = 8,
                          .output_pixel_stride = 1,
                          .depthwise_relu = true,
                          .relu = true};
  kernels::separable(out.data(), nullptr, {input.data(), depthwise_weight.data(), nullptr, weight.data(), nullptr}, p,
                     {}, nullptr);
  CHECK(std::isnan(value_of(out.values()[0])));
}

TEST_CASE("separable refuses what it cannot do") {
  DeviceBuffer<Half> memory(4096);
  DeviceBuffer<float> floats(64);
  const SeparableParams good{.in_h = 4,
                             .in_w = 4,
                             .channels = 72,
                             .out_channels = 16,
                             .window = {.kernel = {3, 3}, .padding = {1, 1}},
                             .input_pixel_stride = 72,
                             .output_pixel_stride = 16};
  SeparableInputs inputs{memory.data(), memory.data(), nullptr, memory.data(), nullptr};
  const auto refuses = [&](auto change, SeparablePlan plan = {}) {
    SeparableParams p = good;
    change(p);
    CHECK_THROWS_AS(kernels::separable(memory.data(), nullptr, inputs, p, plan, nullptr), std::invalid_argument);
  };
  const auto same = [](SeparableParams&) {};
  refuses([](SeparableParams& p) { p.images = 0; });
  refuses([](SeparableParams& p) { p.channels = p.input_pixel_stride = 12; });
  refuses([](SeparableParams& p) { p.input_pixel_stride = 76; });
  refuses([](SeparableParams& p) { p.input_pixel_stride = 64; });
  refuses([](SeparableParams& p) { p.output_pixel_stride = 15; });
  refuses([](SeparableParams& p) { p.window.kernel = {1, 3}; });
  refuses([](SeparableParams& p) { p.window.kernel = {5, 5}; });
  refuses([](SeparableParams& p) { p.window.stride.h = 0; });
  refuses([](SeparableParams& p) { p.window.dilation.w = 3; });  // wider than the padded input
  refuses([](SeparableParams& p) { p.images = 1 << 24; });
  refuses(same, {SeparableTile::m32n256k32, 0});
  refuses(same, {SeparableTile::m32n256k32, 2});  // no workspace
  refuses(same, {SeparableTile::m32n256k32, 4});  // 72 channels have three steps
  refuses(same, {static_cast<SeparableTile>(2), 1});
  const SeparableInputs sound = inputs;
  inputs.input = memory.data() + 4;
  refuses(same);
  inputs = sound;
  inputs.depthwise_weight = memory.data() + 4;
  refuses(same);
  inputs = sound;
  inputs.weight = memory.data() + 4;
  refuses(same);
  inputs = sound;
  inputs.depthwise_bias = floats.data() + 1;
  refuses(same);
}

TEST_CASE("separable: the chosen plan fits, fills the device, and fuses where that pays") {
  const auto square = [](int size, int channels, int out_channels, int dilation) {
    return SeparableParams{.in_h = size,
                           .in_w = size,
                           .channels = channels,
                           .out_channels = out_channels,
                           .window = {{3, 3}, {1, 1}, {dilation, dilation}, {dilation, dilation}},
                           .input_pixel_stride = channels,
                           .output_pixel_stride = out_channels};
  };
  for (int size : {1, 7, 14, 56, 180})
    for (int channels : {8, 304, 2048})
      for (int sm_count : {1, 40, 132}) {
        const SeparableParams p = square(size, channels, 256, 12);
        const SeparablePlan plan = choose(p, sm_count);
        CHECK(fits(p, plan));
        CHECK(plan == choose(p, sm_count));
        CHECK_EQ(workspace_bytes(p, plan), plan.splits == 1 ? 0 : p.pixels() * 256 * sizeof(float) * plan.splits);
        for (SeparableTile tile : all_tiles)
          CHECK_LE(expected_cycles(p, plan, sm_count), expected_cycles(p, {tile, 1}, sm_count));
      }
  const SeparableParams aspp = square(14, 2048, 256, 12), decoder = square(160, 304, 256, 1);
  CHECK(choose(aspp, 132).tile == SeparableTile::m32n128k64);
  CHECK_GE(choose(aspp, 132).splits, 6);
  CHECK_EQ(choose(aspp, 1).splits, 1);  // nothing to fill
  CHECK(choose(decoder, 132) == SeparablePlan{SeparableTile::m32n256k32, 1, true});
  CHECK(is_worth_fusing(decoder, 1, 132));
  CHECK(is_worth_fusing(aspp, kernels::aspp_branches, 132));
  CHECK_FALSE(is_worth_fusing(square(45, 2048, 256, 12), kernels::aspp_branches, 132));
  CHECK_FALSE(is_worth_fusing(square(45, 728, 1536, 1), 1, 132));  // mid six times over
}

TEST_CASE("separable: cost counts every tensor once, and mid never") {
  const SeparableParams p{.images = 2,
                          .in_h = 5,
                          .in_w = 4,
                          .channels = 16,
                          .out_channels = 8,
                          .window = {.kernel = {3, 3}},
                          .input_pixel_stride = 32,
                          .output_pixel_stride = 32};
  const kernels::Cost cost = kernels::cost(p);
  CHECK_EQ(cost.bytes, 2 * (2 * 5 * 4 * 16 + 9 * 16 + 16 * 8 + 2 * 3 * 2 * 8));
  CHECK_EQ(cost.flops, 2 * (2 * 3 * 2 * 16) * (9 + 8));
}
