#include "kernels/cpu/matmul/linear.h"

#include "kernels/cpu/matmul/linear_dot.h"

#include <doctest/doctest.h>

#include "engine/base/tensor.h"
#include "tests/ops/compare.h"
#include "tests/ops/cpu_linear_cases.h"
#include "tests/ops/guarded.h"
#include "tests/ops/random.h"
#include "tests/ops/threads.h"
#include "tests/ref/linear.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

std::vector<float> rounded(std::vector<float> values) {
  for (float& value : values) value = bf16_to_f32(f32_to_bf16(value));
  return values;
}

enum class Operands { any, bfloat16 };

/// One case's inputs.
struct Inputs {
  Inputs(const LinearCase& c, Operands operands) {
    Random random(31);
    x = random.floats(c.samples * c.in, -2, 2);
    if (operands == Operands::bfloat16) x = rounded(std::move(x));
    if (c.scale) scale = random.floats(c.out, 0.001f, 0.02f);
    if (c.bias) bias = random.floats(c.out, -1, 1);
  }
  kernels::cpu::LinearParams args(const LinearCase& c, float* y) const {
    return {c.samples,
            c.in,
            c.out,
            x.data(),
            c.scale ? scale.data() : nullptr,
            c.bias ? bias.data() : nullptr,
            c.activation == Activation::relu,
            y};
  }
  std::vector<float> x, scale, bias;
};

/// Checks run(args) against weights whose values are `weight`, and that it does not depend on threads or batch.
template <class W, class Run>
void check_linear(const LinearCase& c, const std::vector<W>& weight, const Run& run, const std::string& how,
                  Operands operands = Operands::any) {
  const Inputs inputs(c, operands);
  std::vector<double> expected, tolerance;
  for (std::int64_t n = 0; n < c.samples; ++n)
    for (std::int64_t o = 0; o < c.out; ++o) {
      const auto at = static_cast<std::size_t>(o);
      const ref::LinearValue value =
          ref::linear_at(inputs.x.data() + n * c.in, weight.data() + o * c.in, c.in,
                         c.scale ? double{inputs.scale[at]} : 1, c.bias ? double{inputs.bias[at]} : 0, c.activation);
      expected.push_back(value.value);
      // A product, in/16 additions into a lane, four more between lanes, scale and bias: each rounds once.
      tolerance.push_back((static_cast<double>(c.in) / 16 + 8) * 0x1p-24 * value.magnitude);
    }
  std::vector<float> first;
  with_thread_counts([&](int threads) {
    Guarded<float> y(c.samples * c.out);
    run(inputs.args(c, y.data()));
    check_close(
        y.values(), expected, [&](std::size_t i) { return tolerance[i]; }, how);
    if (threads == 1) first.assign(y.values().begin(), y.values().end());
    check_equal(y.values(), first, how);
  });
  std::vector<float> alone(static_cast<std::size_t>(c.samples * c.out));
  for (std::int64_t n = 0; n < c.samples; ++n) {
    kernels::cpu::LinearParams args = inputs.args(c, alone.data() + n * c.out);
    args.samples = 1;
    args.x += n * c.in;
    run(args);
  }
  check_equal(alone, first, how);
}

/// `multiply` of `weight` with scratch of its own.
template <class Multiply, class W>
auto with_scratch(const Multiply& multiply, std::size_t (*bytes)(std::int64_t, std::int64_t), const W* weight) {
  return [=](const kernels::cpu::LinearParams& args) {
    Guarded<std::byte> scratch(static_cast<std::int64_t>(bytes(args.samples, args.in)));
    multiply(args, weight, scratch.values());
  };
}

}  // namespace

TEST_CASE("linear_int8") {
  for (const LinearCase& c : cpu_linear_cases()) {
    SUBCASE(c.name) {
      const auto weight = Random(37).integers<std::int8_t>(c.out * c.in);
      Guarded<std::int8_t> guarded{std::span(weight)};
      check_linear(c, weight,
                   with_scratch(kernels::cpu::linear_int8, kernels::cpu::linear_scratch_bytes, guarded.data()),
                   rerun("linear_int8", c.name));
    }
  }
}

TEST_CASE("linear_f32") {
  for (const LinearCase& c : cpu_linear_cases()) {
    SUBCASE(c.name) {
      const auto weight = Random(41).floats(c.out * c.in, -1, 1);
      Guarded<float> guarded{std::span(weight)};
      check_linear(c, weight,
                   with_scratch(kernels::cpu::linear_f32, kernels::cpu::linear_scratch_bytes, guarded.data()),
                   rerun("linear_f32", c.name));
    }
  }
}

TEST_CASE("linear_bf16") {
  for (const LinearCase& c : cpu_linear_cases()) {
    SUBCASE(c.name) {
      std::vector<float> weight = Random(43).floats(c.out * c.in, -1, 1);
      std::vector<std::uint16_t> bits;
      for (float& value : weight) {
        bits.push_back(f32_to_bf16(value));
        value = bf16_to_f32(bits.back());
      }
      Guarded<std::uint16_t> guarded{std::span(bits)};
      check_linear(c, weight,
                   with_scratch(kernels::cpu::linear_bf16, kernels::cpu::linear_scratch_bytes, guarded.data()),
                   rerun("linear_bf16", c.name));
    }
  }
}

// Products of bfloat16 are exact and a lane takes in/16 of them, each added with one rounding, so check_linear's
// tolerance holds for operands that are bfloat16 from the start.
TEST_CASE("linear_dot") {
  if (!kernels::cpu::has_linear_dot()) {
    MESSAGE("skipped: this CPU lacks AVX512_BF16");
    return;
  }
  for (const LinearCase& c : cpu_linear_cases()) {
    SUBCASE(c.name) {
      const std::string again = rerun("linear_dot", c.name);
      const auto run = [](const auto& multiply, const auto* weight) {
        return with_scratch(multiply, kernels::cpu::linear_dot_scratch_bytes, weight);
      };
      const auto integers = Random(37).integers<std::int8_t>(c.out * c.in);
      Guarded<std::int8_t> guarded{std::span(integers)};
      check_linear(c, integers, run(kernels::cpu::linear_dot_int8, guarded.data()), again, Operands::bfloat16);

      std::vector<float> weight = rounded(Random(43).floats(c.out * c.in, -1, 1));
      std::vector<std::uint16_t> bits;
      for (const float value : weight) bits.push_back(f32_to_bf16(value));
      Guarded<float> floats{std::span(weight)};
      Guarded<std::uint16_t> halves{std::span(bits)};
      check_linear(c, weight, run(kernels::cpu::linear_dot_f32, floats.data()), again, Operands::bfloat16);
      check_linear(c, weight, run(kernels::cpu::linear_dot_bf16, halves.data()), again, Operands::bfloat16);
    }
  }
}

TEST_CASE("linear keeps NaN through relu") {
  const float x[2] = {NAN, 1}, weight[2] = {1, 1};
  float y = 0;
  with_scratch(kernels::cpu::linear_f32, kernels::cpu::linear_scratch_bytes,
               weight)({1, 2, 1, x, nullptr, nullptr, true, &y});
  CHECK(std::isnan(y));
}
