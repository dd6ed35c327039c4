#include "engine/cpu/lrn.h"

#include <doctest/doctest.h>

#include "engine/base/check.h"
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
      const std::int64_t channels = c.outer * c.inner, image = channels * c.pixels;
      const std::vector<float> values = Random(29).floats(c.images * image, -20, 20);
      std::vector<double> expected(values.size());
      for (std::int64_t n = 0; n < c.images; ++n)
        for (std::int64_t channel = 0; channel < channels; ++channel)
          for (std::int64_t p = 0; p < c.pixels; ++p) {
            const auto at = [&](std::int64_t j) {
              return static_cast<std::size_t>(n * image + (j / c.inner * c.pixels + p) * c.inner + j % c.inner);
            };
            expected[at(channel)] = ref::lrn_at(
                c.op, [&](std::int64_t j) { return double{values[at(j)]}; }, channels, channel);
          }
      // The sum is rounded size + 4 times, which the power scales by beta; then roots, product and quotient.
      const double relative = (double{c.op.beta} * static_cast<double>(c.op.size + 4) + 4) * 0x1p-24;
      with_thread_counts([&](int) {
        Guarded<float> in{std::span(values)}, out(c.images * image);
        cpu::lrn(c.op, in.data(), c.images, c.pixels, {c.outer, c.inner}, out.data());
        check_close(
            out.values(), expected, [&](std::size_t i) { return relative * std::abs(expected[i]); },
            rerun("lrn equals its definition in double, on any number of threads", c.name));
      });
    }
  }
}

TEST_CASE("lrn refuses windows it has no room for") {
  float value = 1;
  CHECK_THROWS_AS(cpu::lrn({0}, &value, 1, 1, {1, 1}, &value), Error);
  CHECK_THROWS_AS(cpu::lrn({cpu::lrn_max_size + 1}, &value, 1, 1, {1, 1}, &value), Error);
}
