// Every step of the convolution's ladder is held to what the product's is: the same cases, the same tolerance.
#include "kernels/ladder/conv2d_ladder.h"
#include "tests/kernels/conv2d_problem.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::Conv2dStep;

namespace {

/// The emulator takes some 100 ns for a multiply-add of a thread alone, and a few for one of a matrix instruction, in
/// whole tiles of 64 x 64, of which a depthwise convolution uses hardly any. What costs it more than a second is left
/// to the steps that do it faster, and other orders of threads to the small cases.
constexpr double most_alone = 1e6, most_in_tiles = 1e7, most_alone_in_all_orders = 1e5, most_in_all_orders = 1e6;

void check_steps(const Conv2dCase& c, const Slice& in, const Slice& out) {
  const Problem problem(c);
  const ref::Reference expected = problem.reference();
  OnDevice<Half, Half> device(problem, in, out);
  const double alone = cost(device.params(), 2).flops / 2;
  for (const Conv2dStep& step : kernels::conv2d_steps) {
    const bool in_tiles = &step >= &kernels::conv2d_steps[2], by_matrices = &step >= &kernels::conv2d_steps[3];
    if ((!by_matrices && alone > most_alone) || (in_tiles && problem.multiply_adds() > most_in_tiles)) continue;
    const auto run = [&](Half* output, const Conv2dInputs<Half>& inputs, const Conv2dParams& params) {
      step.run(output, inputs, params, nullptr);
    };
    const auto check = [&] {
      check_close(
          device.run(run), expected.value, [&](std::size_t i) { return tolerance<Half, Half>(expected, i); },
          cat(step.name, "; rerun: test_kernels -tc='conv2d ladder*' -sc='", c.name, "'"));
    };
    if (alone <= most_alone_in_all_orders && problem.multiply_adds() <= most_in_all_orders)
      in_all_thread_orders(check);
    else
      check();
  }
}

}  // namespace

TEST_CASE("conv2d ladder: every step on every case") {
  for (const Conv2dCase& c : conv2d_cases()) {
    if (c.name == "7x7 stem of 224") continue;  // 118 million multiply-adds; the other stem has its shape
    SUBCASE(c.name.c_str()) {
      check_steps(c, {}, {});
    }
  }
}

TEST_CASE("conv2d ladder: every step between and into slices, aligned and not") {
  for (const char* name : {"1x1 stride 2", "groups 2 3x3 relu", "residual relu"}) {
    SUBCASE(name) {
      check_steps(case_named(name), {8, 16}, {8, 24});
      check_steps(case_named(name), {1, 4}, {3, 2});
    }
  }
}
