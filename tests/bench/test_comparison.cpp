// Verdicts on series whose truth is known.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tools/bench/comparison.h"

using namespace giemsa::bench;

namespace {

/// Latencies around `median` that spread by some 5 %, with a tail of slow ones.
std::vector<double> latencies(std::size_t n, double median, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> ms(n);
  for (double& value : ms) {
    const double u = static_cast<double>(random() >> 11) * 0x1p-53;  // [0, 1), the same with every library
    value = median * (1 + 0.1 * (u - 0.5) + (u > 0.98 ? 1 : 0));
  }
  return ms;
}

std::vector<double> scaled(std::vector<double> ms, double factor) {
  for (double& value : ms) value *= factor;
  return ms;
}

}  // namespace

TEST_CASE("comparison: the same data are the same") {
  const auto ms = latencies(200, 5, 1);
  const MedianRatio ratio = compare_medians(ms, ms);
  CHECK(ratio.verdict == Verdict::same);
  CHECK(ratio.value == 1);
  CHECK(ratio.low < 1);
  CHECK(ratio.high > 1);
}

TEST_CASE("comparison: two draws from one distribution are the same") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    CHECK(compare_medians(latencies(400, 5, seed), latencies(300, 5, seed + 100)).verdict == Verdict::same);
  }
}

TEST_CASE("comparison: 10 % are seen, in both directions") {
  const auto ms = latencies(200, 5, 2), others = latencies(150, 5, 3);
  const MedianRatio faster = compare_medians(ms, scaled(others, 0.9));
  CHECK(faster.verdict == Verdict::faster);
  CHECK(faster.low < 0.9);
  CHECK(faster.high < 0.95);
  const MedianRatio slower = compare_medians(ms, scaled(others, 1.1));
  CHECK(slower.verdict == Verdict::slower);
  CHECK(slower.low > 1.05);
}

TEST_CASE("comparison: a sure change inside the margin is no change") {
  const std::vector<double> before(50, 1.0), after(50, 1.005), later(50, 1.02);
  CHECK(compare_medians(before, after).verdict == Verdict::same);
  CHECK(compare_medians(after, before).verdict == Verdict::same);
  CHECK(compare_medians(before, after, {.margin = 0}).verdict == Verdict::slower);
  CHECK(compare_medians(after, before, {.margin = 0}).verdict == Verdict::faster);
  CHECK(compare_medians(before, later).verdict == Verdict::slower);
}

TEST_CASE("comparison: few samples get no verdict") {
  const std::vector<double> nine(9, 1.0), ten(10, 1.0), slow(9, 2.0);
  const MedianRatio ratio = compare_medians(ten, slow);
  CHECK(ratio.verdict == Verdict::too_few);
  CHECK(ratio.value == 2);
  CHECK(std::isnan(ratio.low));
  CHECK(std::isnan(ratio.high));
  CHECK(compare_medians(nine, ten).verdict == Verdict::too_few);
  CHECK(compare_medians(ten, ten).verdict == Verdict::same);
}

TEST_CASE("comparison: the seed decides the interval") {
  const auto a = latencies(40, 5, 4), b = latencies(40, 5, 5);
  const auto low = [&](std::uint64_t seed) { return compare_medians(a, b, {.replicates = 200, .seed = seed}).low; };
  CHECK(low(1) == low(1));
  CHECK(low(1) != low(2));
}

// A machine that slows down bit by bit, and the same latencies shuffled: drawing single samples could not tell these
// apart, but the first says less about the median.
TEST_CASE("comparison: samples that resemble their neighbours give wider intervals") {
  std::vector<double> drifting(512), shuffled(512);
  for (std::size_t i = 0; i < drifting.size(); ++i) {
    drifting[i] = 1 + 0.001 * static_cast<double>(i);
    shuffled[i] = 1 + 0.001 * static_cast<double>(i * 197 % 512);
  }
  const MedianRatio drift = compare_medians(drifting, drifting), noise = compare_medians(shuffled, shuffled);
  CHECK(drift.high - drift.low > 1.5 * (noise.high - noise.low));
}

TEST_CASE("comparison: series are matched by name") {
  const std::vector<Series> before = {{"decode", {1, 1, 1}}, {"total", {2, 2}}};
  const std::vector<Series> after = {{"total", {4}}, {"load", {9}}};
  const auto compared = compare_series(before, after);
  REQUIRE(compared.size() == 1);
  CHECK(compared[0].name == "total");
  CHECK(compared[0].baseline_samples == 2);
  CHECK(compared[0].candidate_samples == 1);
  CHECK(compared[0].baseline_p50 == 2);
  CHECK(compared[0].candidate_p50 == 4);
  CHECK(compared[0].ratio.verdict == Verdict::too_few);
}
