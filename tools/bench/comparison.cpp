#include "tools/bench/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "engine/base/check.h"
#include "tools/text/percentile.h"

namespace giemsa::bench {
namespace {

/// Reorders `values`.
double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return values.size() % 2 == 1 ? *middle : (*middle + *std::max_element(values.begin(), middle)) / 2;
}

/// Draws replicates of a series.
class Replicates {
 public:
  explicit Replicates(std::span<const double> samples)
      : samples_(samples),
        block_(static_cast<std::size_t>(std::lround(std::cbrt(static_cast<double>(samples.size()))))),
        drawn_(samples.size()) {}

  double next_median(std::mt19937_64& random) {
    for (std::size_t i = 0, from = 0; i < drawn_.size(); ++i) {
      from = i % block_ == 0 ? random() % samples_.size() : (from + 1) % samples_.size();
      drawn_[i] = samples_[from];
    }
    return median_of(drawn_);
  }

 private:
  std::span<const double> samples_;
  std::size_t block_;
  std::vector<double> drawn_;
};

/// By how much the median moved from the first to the second half of a run, as a share; 0 where that cannot be told.
double drift_of(std::span<const double> samples, std::size_t least) {
  const std::size_t half = samples.size() / 2;
  if (half < least) return 0;
  std::vector<double> first(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(half)),
      second(samples.begin() + static_cast<std::ptrdiff_t>(half), samples.end());
  return std::abs(median_of(second) / median_of(first) - 1);
}

Verdict verdict_of(const MedianRatio& ratio, double margin) {
  if (ratio.high < 1 - margin) return Verdict::faster;
  if (ratio.low > 1 + margin) return Verdict::slower;
  return Verdict::same;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::faster:
      return "FASTER";
    case Verdict::same:
      return "SAME";
    case Verdict::slower:
      return "SLOWER";
    case Verdict::disturbed:
      return "DISTURBED";
    case Verdict::too_few:
      break;
  }
  return "TOO FEW";
}

MedianRatio compare_medians(std::span<const double> baseline, std::span<const double> candidate,
                            const ComparisonOptions& options) {
  check(!baseline.empty() && !candidate.empty(), ErrorKind::internal, "nothing to compare");
  std::vector<double> a(baseline.begin(), baseline.end()), b(candidate.begin(), candidate.end());
  MedianRatio ratio;
  ratio.value = median_of(b) / median_of(a);
  if (std::min(a.size(), b.size()) < options.least) {
    ratio.low = ratio.high = std::numeric_limits<double>::quiet_NaN();
    ratio.verdict = Verdict::too_few;
    return ratio;
  }
  std::mt19937_64 random(options.seed);
  Replicates of_a(baseline), of_b(candidate);
  std::vector<double> ratios(static_cast<std::size_t>(options.replicates));
  for (double& replicate : ratios) {
    const double median_a = of_a.next_median(random);
    replicate = of_b.next_median(random) / median_a;
  }
  std::ranges::sort(ratios);
  ratio.low = percentile(ratios, 0.025);
  ratio.high = percentile(ratios, 0.975);
  ratio.verdict = verdict_of(ratio, options.margin);
  const double drift = std::max(drift_of(baseline, options.least), drift_of(candidate, options.least));
  const bool only_drift = ratio.verdict != Verdict::same && std::abs(ratio.value - 1) < 2 * drift;
  if (options.disturbed || only_drift) ratio.verdict = Verdict::disturbed;
  return ratio;
}

std::vector<ComparedSeries> compare_series(std::span<const Series> baseline, std::span<const Series> candidate,
                                           const ComparisonOptions& options) {
  std::vector<ComparedSeries> compared;
  for (const Series& a : baseline) {
    const auto b = std::ranges::find(candidate, a.name, &Series::name);
    if (b == candidate.end()) continue;
    compared.push_back({a.name, a.ms.size(), b->ms.size(), distribution_of(a.ms).p50, distribution_of(b->ms).p50,
                        compare_medians(a.ms, b->ms, options)});
  }
  return compared;
}

}  // namespace giemsa::bench
