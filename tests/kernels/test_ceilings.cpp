// The loops that measure a GPU's ceilings do the work that is charged to them.
#include "kernels/ceilings.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "tests/kernels/device_buffer.h"
#include "tests/kernels/thread_orders.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::ChainParams;

namespace {

constexpr int threads = 256;

/// What each of `blocks` blocks' threads wrote.
template <class Launch>
std::vector<float> sums_of(const ChainParams& params, const Launch& launch) {
  DeviceBuffer<float> out(params.blocks * threads);
  launch(out.data(), params, nullptr);
  return out.values();
}

}  // namespace

TEST_CASE("ceilings: all bytes are copied, by any number of blocks") {
  for (const std::size_t bytes : {std::size_t{16}, std::size_t{4080}, std::size_t{16} * 256 * 9}) {
    std::vector<std::uint8_t> values(bytes);
    for (std::size_t i = 0; i < bytes; ++i) values[i] = static_cast<std::uint8_t>(i * 37 + i / 251);
    for (const int blocks : {1, 3})
      in_all_thread_orders([&] {
        CAPTURE(bytes);
        CAPTURE(blocks);
        DeviceBuffer<std::uint8_t> in{std::span<const std::uint8_t>(values)};
        DeviceBuffer<std::uint8_t> out(static_cast<std::int64_t>(bytes));
        kernels::copy_words(out.data(), in.data(), bytes, blocks, nullptr);
        CHECK(out.values() == values);
      });
  }
  CHECK_THROWS_AS(kernels::copy_words(nullptr, nullptr, 24, 1, nullptr), std::invalid_argument);
}

TEST_CASE("ceilings: chains of multiply-adds are as long as they are charged") {
  const ChainParams params{.blocks = 2, .steps = 8};
  CHECK(kernels::multiply_add_flops(params) == 2.0 * 16 * threads * 8 * 2);
  in_all_thread_orders([&] {
    const std::vector<float> sums = sums_of(params, kernels::multiply_add_chains);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      float expected = 0;
      for (std::size_t chain = 0; chain < 16; ++chain) {
        float value = static_cast<float>(i % threads + chain);
        for (int step = 0; step < params.steps; ++step) value = value / 2 + 1;
        expected += value;
      }
      CHECK(sums[i] == expected);
    }
  });
  CHECK_THROWS_AS(kernels::multiply_add_chains(nullptr, {.blocks = 1, .steps = 7}, nullptr), std::invalid_argument);
}

TEST_CASE("ceilings: chains of matrix products are as long as they are charged") {
  const ChainParams params{.blocks = 2, .steps = 8}, twice{.blocks = 2, .steps = 16};
  CHECK(kernels::multiply_matrix_flops(params) == 2.0 * 16 * 8 * 16 * 8 * (threads / 32) * 8 * 2);
  in_all_thread_orders([&] {
    const std::vector<float> sums = sums_of(params, kernels::multiply_matrix_chains);
    const std::vector<float> longer = sums_of(twice, kernels::multiply_matrix_chains);
    // A product of +-0.5 is +-0.25, an element's sum of 16 of them a multiple of 0.5 of at most 4 a step. A thread
    // holds 4 elements of each of 8 chains, all alike.
    bool mixed = false;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const float of_a_step = sums[i] / static_cast<float>(8 * params.steps);
      CHECK(of_a_step * 2 == std::round(of_a_step * 2));
      CHECK(std::abs(of_a_step) <= 4 * 4);
      CHECK(longer[i] == 2 * sums[i]);
      mixed = mixed || sums[i] != sums[0];
    }
    CHECK(mixed);  // factors of both signs
  });
}
