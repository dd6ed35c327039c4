#include "kernels/cpu/layers/lrn.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/ops/compare.h"
#include "tests/ops/guarded.h"
#include "tests/ops/lrn_cases.h"
#include "tests/ops/random.h"
#include "tests/ops/threads.h"
#include "tests/ref/lrn.h"

using namespace giemsa;
using namespace giemsa::test;

TEST_CASE("lrn equals its definition in double, on any number of threads") {
  for (const LrnCase& c : lrn_cases) {
    SUBCASE(c.name) {
      const std::int64_t pixels = c.images * c.pixels;
      const std::vector<float> values = Random(29).floats(pixels * c.channels, -20, 20);
      std::vector<double> expected;
      for (std::int64_t p = 0; p < pixels; ++p)
        for (std::int64_t channel = 0; channel < c.channels; ++channel)
          expected.push_back(ref::lrn_at(
              c.op, [&](std::int64_t j) { return double{values[static_cast<std::size_t>(p * c.channels + j)]}; },
              c.channels, channel));
      // The sum is rounded size + 4 times, which the power scales by beta; then roots, product and quotient.
      const double relative = (double{c.op.beta} * static_cast<double>(c.op.size + 4) + 4) * 0x1p-24;
      with_thread_counts([&](int) {
        Guarded<float> in{std::span(values)}, out(pixels * c.channels);
        kernels::cpu::lrn(out.data(), in.data(), pixels, c.channels, {c.op.size, c.op.alpha, c.op.beta, c.op.k});
        check_close(
            out.values(), expected, [&](std::size_t i) { return relative * std::abs(expected[i]); },
            rerun("lrn equals its definition in double, on any number of threads", c.name));
      });
    }
  }
}

TEST_CASE("lrn refuses windows that are even or that it has no room for") {
  float value = 1;
  for (const std::int64_t size : {std::int64_t{0}, std::int64_t{4}, kernels::cpu::lrn_max_size + 2})
    CHECK_THROWS_AS(kernels::cpu::lrn(&value, &value, 1, 1, {size}), std::invalid_argument);
}
