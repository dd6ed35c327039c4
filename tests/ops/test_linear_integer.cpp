// Fully connected layers on integers. Their sums are exact, and what is made of a sum rounds the same everywhere:
// results must be equal to the reference's, on every instruction set that this CPU has.
#include "kernels/cpu/matmul/linear_integer.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "engine/base/check.h"
#include "tests/ops/compare.h"
#include "tests/ops/cpu_linear_cases.h"
#include "tests/ops/guarded.h"
#include "tests/ops/random.h"
#include "tests/ops/threads.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

struct IntegerInputs {
  explicit IntegerInputs(const LinearCase& c) {
    Random random(31);
    x = random.integers<std::uint8_t>(c.samples * c.in);
    weight = random.integers<std::int8_t>(c.out * c.in);
    // Such that results lie on both sides of what 8 bits hold.
    scale = random.floats(c.out, 0.5f, 1.0f);
    for (float& value : scale) value /= 80 * std::sqrt(static_cast<float>(c.in));
    bias = random.floats(c.out, -100, 300);
  }
  std::vector<std::uint8_t> x;
  std::vector<std::int8_t> weight;
  std::vector<float> scale, bias;
};

std::vector<float> reference(const LinearCase& c, const IntegerInputs& inputs) {
  std::vector<float> y;
  for (std::int64_t n = 0; n < c.samples; ++n)
    for (std::int64_t o = 0; o < c.out; ++o) {
      std::int64_t sum = 0;
      for (std::int64_t k = 0; k < c.in; ++k)
        sum += std::int64_t{inputs.x[static_cast<std::size_t>(n * c.in + k)]} *
               inputs.weight[static_cast<std::size_t>(o * c.in + k)];
      const auto at = static_cast<std::size_t>(o);
      const float value = static_cast<float>(sum) * inputs.scale[at] + inputs.bias[at];
      y.push_back(c.activation == Activation::relu && value < 0 ? 0 : value);
    }
  return y;
}

template <class T>
std::vector<T> run(const LinearCase& c, const IntegerInputs& inputs, kernels::cpu::InstructionSet set) {
  Guarded<std::uint8_t> x{std::span(inputs.x)};
  Guarded<std::int8_t> weight{std::span(inputs.weight)};
  Guarded<std::byte> scratch(static_cast<std::int64_t>(kernels::cpu::linear_integer_scratch_bytes(c.samples, c.in)));
  Guarded<T> y(c.samples * c.out);
  kernels::cpu::linear_integer({c.samples, c.in, c.out, x.data(), weight.data(), inputs.scale.data(),
                                inputs.bias.data(), c.activation == Activation::relu},
                               y.data(), scratch.values(), set);
  return {y.values().begin(), y.values().end()};
}

}  // namespace

TEST_CASE("linear_integer") {
  for (const LinearCase& c : cpu_linear_cases()) {
    SUBCASE(c.name) {
      const IntegerInputs inputs(c);
      const std::vector<float> expected = reference(c, inputs);
      std::vector<double> in_8_bits;
      for (const float value : expected) in_8_bits.push_back(std::clamp(std::nearbyint(value), 0.0f, 255.0f));
      for (const kernels::cpu::InstructionSet set : kernels::cpu::linear_integer_sets())
        with_thread_counts([&](int threads) {
          const std::string again =
              cat("set ", static_cast<int>(set), ", ", threads, " threads; ", rerun("linear_integer", c.name));
          check_equal(run<float>(c, inputs, set), expected, again);
          check_equal(run<std::uint8_t>(c, inputs, set), in_8_bits, again);
        });
    }
  }
}

TEST_CASE("linear_integer sums the longest rows of the largest values") {
  const std::int64_t in = kernels::cpu::longest_integer_row;
  const LinearCase c{"longest", 1, in, 1, true, true, Activation::none};
  IntegerInputs inputs(c);
  std::ranges::fill(inputs.x, std::uint8_t{255});
  std::ranges::fill(inputs.weight, std::int8_t{-128});
  for (const kernels::cpu::InstructionSet set : kernels::cpu::linear_integer_sets())
    check_equal(run<float>(c, inputs, set), reference(c, inputs), "longest");
  const LinearCase longer{"longer", 1, in + 1, 1, true, true, Activation::none};
  CHECK_THROWS_AS(run<float>(longer, IntegerInputs(longer), kernels::cpu::linear_integer_sets().front()),
                  std::invalid_argument);
}
