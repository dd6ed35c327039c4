#include "tools/eval/method_comparison.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace giemsa::eval {
namespace {

constexpr double z = 1.959963984540054;  // of the normal distribution, 2.5 % beyond it on either side

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::ranges::max_element(values.begin(), middle)) / 2;
}

/// The median of y - slope * x.
double intercept_of(std::span<const double> x, std::span<const double> y, double slope) {
  std::vector<double> rests;
  for (std::size_t i = 0; i < x.size(); ++i) rests.push_back(y[i] - slope * x[i]);
  return median(std::move(rests));
}

/// The slopes between all pairs of points, in order; of points one above the other infinite. Those of equal points, and
/// those of -1, which would count for a slope of either sign, are left out.
std::vector<double> slopes_of(std::span<const double> x, std::span<const double> y) {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const double dx = x[j] - x[i], dy = y[j] - y[i];
      if ((dx == 0 && dy == 0) || dy == -dx) continue;
      slopes.push_back(dx == 0 ? std::copysign(INFINITY, dy) : dy / dx);
    }
  std::ranges::sort(slopes);
  return slopes;
}

/// The regularised incomplete beta function I_x(a, b) by its continued fraction (Lentz's method), for x below
/// (a + 1) / (a + b + 2), where it converges fast.
double incomplete_beta(double a, double b, double x) {
  constexpr double tiny = 1e-300;
  const double front = std::exp(a * std::log(x) + b * std::log1p(-x) - std::log(a) - std::lgamma(a) - std::lgamma(b) +
                                std::lgamma(a + b));
  double c = 1, d = 1 / std::max(1 - (a + b) * x / (a + 1), tiny), value = d;
  for (int m = 1; m < 500; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double step = 1;
    for (const double term : {even, odd}) {
      d = 1 / (1 + term * d);
      c = 1 + term / c;
      step *= d * c;
    }
    value *= step;
    if (std::abs(step - 1) < 1e-15) break;
  }
  return front * value;
}

/// The probability that Student's t is above t >= 0.
double student_t_above(double t, double degrees) {
  const double x = degrees / (degrees + t * t), a = degrees / 2;
  const double both = x < (a + 1) / (a + 2.5) ? incomplete_beta(a, 0.5, x) : 1 - incomplete_beta(0.5, a, 1 - x);
  return both / 2;
}

}  // namespace

PassingBablok passing_bablok(std::span<const double> x, std::span<const double> y) {
  PassingBablok result;
  if (x.size() < 3) return result;
  const std::vector<double> slopes = slopes_of(x, y);
  const auto count = static_cast<std::ptrdiff_t>(slopes.size());
  if (count == 0 || std::ranges::all_of(slopes, [](double slope) { return std::isinf(slope); })) return result;

  // Slopes below -1 come from pairs that measure the other way round: the median moves up by their number.
  const auto offset = std::ranges::lower_bound(slopes, -1.0) - slopes.begin();
  const auto ranked = [&](std::ptrdiff_t rank) {  // from 1
    return slopes[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(rank + offset, 1, count) - 1)];
  };
  result.slope = count % 2 == 1 ? ranked((count + 1) / 2) : (ranked(count / 2) + ranked(count / 2 + 1)) / 2;
  result.intercept = intercept_of(x, y, result.slope);

  const auto n = static_cast<double>(x.size());
  const double spread = z * std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  const auto lower = static_cast<std::ptrdiff_t>(std::round((static_cast<double>(count) - spread) / 2));
  result.slope_interval = {ranked(lower), ranked(count - lower + 1)};
  result.intercept_interval = {intercept_of(x, y, result.slope_interval.high),
                               intercept_of(x, y, result.slope_interval.low)};
  return result;
}

BlandAltman bland_altman(std::span<const double> x, std::span<const double> y) {
  BlandAltman result;
  if (x.size() < 2) return result;
  std::vector<double> differences;
  for (std::size_t i = 0; i < x.size(); ++i) differences.push_back(y[i] - x[i]);
  const auto n = static_cast<double>(x.size());
  result.bias = std::accumulate(differences.begin(), differences.end(), 0.0) / n;
  double squares = 0;
  for (const double difference : differences) squares += (difference - result.bias) * (difference - result.bias);
  result.deviation = std::sqrt(squares / (n - 1));
  const double half = student_t_quantile(0.975, n - 1) * result.deviation / std::sqrt(n);
  result.bias_interval = {result.bias - half, result.bias + half};
  result.limits = {result.bias - z * result.deviation, result.bias + z * result.deviation};
  return result;
}

double student_t_quantile(double p, double degrees) {
  double low = 0, high = 1;
  while (student_t_above(high, degrees) > 1 - p) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-14 * high; ++i) {
    const double middle = (low + high) / 2;
    (student_t_above(middle, degrees) > 1 - p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace giemsa::eval
