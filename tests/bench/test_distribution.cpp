// Percentiles by hand, as numpy's default defines them.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/base/check.h"
#include "tools/bench/distribution.h"

using namespace giemsa::bench;

namespace {

/// n-1, n-2, ..., 0: unsorted on purpose.
std::vector<double> countdown(std::size_t n) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(n - 1 - i);
  return values;
}

}  // namespace

TEST_CASE("distribution: linear between neighbours") {
  const double values[] = {80, 10, 40, 20};
  const Distribution d = distribution_of(values);
  CHECK(d.samples == 4);
  CHECK(d.min == 10);
  CHECK(d.max == 80);
  CHECK(d.mean == 37.5);
  CHECK(d.p50 == 30);  // numpy.percentile([80, 10, 40, 20], 50)
  const double single[] = {7};
  CHECK(distribution_of(single).p50 == 7);
}

TEST_CASE("distribution: percentile p of 0 .. n-1 is p (n - 1)") {
  const Distribution d = distribution_of(countdown(1001));
  CHECK(d.p50 == 500);
  CHECK(*d.p90 == doctest::Approx(900));
  CHECK(*d.p99 == doctest::Approx(990));
  CHECK(*d.p99_9 == doctest::Approx(999));
  CHECK(*distribution_of(countdown(10)).p90 == doctest::Approx(8.1));
}

TEST_CASE("distribution: a percentile needs samples beyond it") {
  CHECK_FALSE(distribution_of(countdown(9)).p90);
  CHECK(distribution_of(countdown(10)).p90);
  CHECK_FALSE(distribution_of(countdown(99)).p99);
  CHECK(distribution_of(countdown(100)).p99);
  CHECK_FALSE(distribution_of(countdown(999)).p99_9);
  CHECK(distribution_of(countdown(1000)).p99_9);
  CHECK_THROWS_AS(distribution_of({}), giemsa::Error);
}
