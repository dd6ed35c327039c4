// Percentiles by hand; draws that are the same everywhere.
#include <doctest/doctest.h>

#include <cmath>

#include "tools/eval/bootstrap.h"
#include "tools/text/percentile.h"

using namespace giemsa::eval;
using giemsa::percentile;
using Draws = std::vector<std::vector<std::size_t>>;

namespace {

/// What is drawn from `images` images, replicate by replicate.
Draws draws_of(std::size_t images, const BootstrapOptions& options) {
  Draws draws;
  bootstrap_intervals(images, options, [&](std::span<const std::size_t> drawn) {
    draws.emplace_back(drawn.begin(), drawn.end());
    return std::vector<double>{0};
  });
  draws.erase(draws.begin());  // all images once, to learn how many figures there are
  return draws;
}

}  // namespace

TEST_CASE("percentile: linear between neighbours") {
  const double values[] = {10, 20, 40, 80};
  CHECK(percentile(values, 0) == 10);
  CHECK(percentile(values, 1) == 80);
  CHECK(percentile(values, 0.5) == doctest::Approx(30));
  CHECK(percentile(values, 0.25) == doctest::Approx(17.5));
  CHECK(percentile(std::span(values, 1), 0.975) == 10);
  CHECK(std::isnan(percentile({}, 0.5)));
}

// SplitMix64 from 1234567 gives 0x599ed017fb08fc85, 0x2c73f08458540fa5, 0x883ebce5a3f27c77, 0x3fbef740e9177b3f: the
// values that other implementations of it are tested with.
TEST_CASE("bootstrap: images are drawn by SplitMix64") {
  CHECK(draws_of(10, {1, 1234567}).front()[0] == 3);  // 10 * 0x599ed017 >> 32
  CHECK(draws_of(4, {1, 1234567}) == Draws{{1, 0, 2, 0}});
  CHECK(draws_of(2, {2, 1234567}) == Draws{{0, 0}, {1, 0}});  // the sequence goes on from replicate to replicate
}

TEST_CASE("bootstrap: the same seed gives the same draws, another seed others") {
  CHECK(draws_of(31, {5, 1}) == draws_of(31, {5, 1}));
  CHECK(draws_of(31, {5, 1}) != draws_of(31, {5, 2}));
}

TEST_CASE("bootstrap: an interval holds 95 % of the replicates") {
  // The mean of 100 draws from 0 .. 99 has a standard deviation of 28.87 / 10.
  const auto mean = [](std::span<const std::size_t> drawn) {
    double sum = 0;
    for (const std::size_t index : drawn) sum += static_cast<double>(index);
    return std::vector<double>{sum / static_cast<double>(drawn.size())};
  };
  const Interval interval = bootstrap_intervals(100, {4000, 1}, mean).front();
  CHECK(interval.low == doctest::Approx(49.5 - 1.96 * 2.887).epsilon(0.01));
  CHECK(interval.high == doctest::Approx(49.5 + 1.96 * 2.887).epsilon(0.01));
}

TEST_CASE("bootstrap: replicates in which a figure is undefined are left out") {
  int calls = 0;
  const auto figures = [&](std::span<const std::size_t>) {
    return std::vector<double>{calls++ % 2 ? 7.0 : undefined, undefined};
  };
  const auto intervals = bootstrap_intervals(3, {10, 1}, figures);
  CHECK(intervals[0].low == 7);
  CHECK(intervals[0].high == 7);
  CHECK(std::isnan(intervals[1].low));
}

TEST_CASE("bootstrap: without images or replicates there is no interval") {
  const auto one = [](std::span<const std::size_t>) { return std::vector<double>{1}; };
  CHECK(std::isnan(bootstrap_intervals(0, {10, 1}, one).front().low));
  CHECK(std::isnan(bootstrap_intervals(5, {0, 1}, one).front().high));
}
