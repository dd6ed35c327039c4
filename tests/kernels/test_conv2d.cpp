#include "tests/kernels/conv2d_problem.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::Conv2dTile;

namespace {

constexpr Conv2dTile all_tiles[] = {Conv2dTile::m128n64k32, Conv2dTile::m64n64k32, Conv2dTile::m32n64k64};

template <class In, class Out>
void check_run(OnDevice<In, Out>& device, const ref::Reference& expected, const Conv2dPlan& plan,
               const std::string& name) {
  check_close(
      device.run(plan), expected.value, [&](std::size_t i) { return tolerance<In, Out>(expected, i); },
      cat("tile ", static_cast<int>(plan.tile), ", ", plan.splits, " splits; rerun: test_kernels -tc='conv2d*' -sc='",
          name, "'"));
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
