// Comparisons that NaN cannot pass and whose failures say where, what, and how to run exactly that case again.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <string>

#include "engine/base/check.h"

namespace giemsa::test {

/// How to rerun a subcase.
inline std::string rerun(const char* test_case, const std::string& subcase) {
  return cat("rerun: test_ops -tc='", test_case, "' -sc='", subcase, "'");
}

/// Checks |actual[i] - expected[i]| <= tolerance(i) for all i and reports the worst excess.
template <class Actual, class Expected, class Tolerance>
void check_close(Actual actual, Expected expected, const Tolerance& tolerance, const std::string& how) {
  REQUIRE_EQ(actual.size(), expected.size());
  std::size_t worst = actual.size();
  double worst_excess = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
    const double limit = tolerance(i);
    if (error <= limit) continue;  // NaN is not
    const double excess = std::isnan(error) ? INFINITY : error / (limit > 0 ? limit : 1e-300);
    if (worst == actual.size() || excess > worst_excess) {
      worst = i;
      worst_excess = excess;
    }
  }
  if (worst < actual.size())
    FAIL_CHECK("worst at ", worst, ": ", +actual[worst], " instead of ", +expected[worst], ", tolerance ",
               tolerance(worst), "; ", how);
}

/// Checks actual[i] == expected[i] for all i.
template <class Actual, class Expected>
void check_equal(Actual actual, Expected expected, const std::string& how) {
  check_close(
      actual, expected, [](std::size_t) { return 0.0; }, how);
}

}  // namespace giemsa::test
