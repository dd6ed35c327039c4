// Whether one series of latencies is faster than another, and how sure that is.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tools/bench/distribution.h"

namespace giemsa::bench {

enum class Verdict {
  faster,
  same,
  slower,
  too_few,    ///< samples
  disturbed,  ///< what was measured may be the machine's other work
};

/// "FASTER", "SAME", "SLOWER", "TOO FEW", "DISTURBED"
std::string_view to_string(Verdict verdict);

struct ComparisonOptions {
  int replicates = 2000;
  std::uint64_t seed = 1;
  double margin = 0.01;    ///< a change that is not surely larger than this share counts as none
  std::size_t least = 10;  ///< samples that either side needs for a verdict
  bool disturbed = false;  ///< the machine is known to have been busy: there is no other verdict then
};

/// Of the candidate's median over the baseline's: below 1 the candidate is faster.
struct MedianRatio {
  double value = 1, low = 1, high = 1;  ///< `low` to `high`: the 95 % interval; NaN where there are too few samples
  Verdict verdict = Verdict::same;
};

/// The interval holds the middle 95 % of the ratios of bootstrap replicates (Efron and Tibshirani 1993, chapter 13).
/// What is drawn are blocks of cbrt(n) neighbours, round the end to the start (Politis and Romano 1992), because a
/// latency resembles the one before. It covers what varies within the two runs, not what varies between runs or
/// machines: a change is `disturbed` where it is less than twice the change from the first to the second half of either
/// run, in which nothing changed but the machine. The same seed gives the same interval everywhere. Neither side may be empty.
MedianRatio compare_medians(std::span<const double> baseline, std::span<const double> candidate,
                            const ComparisonOptions& options = {});

struct ComparedSeries {
  std::string name;
  std::size_t baseline_samples = 0, candidate_samples = 0;
  double baseline_p50 = 0, candidate_p50 = 0;
  MedianRatio ratio;
};

/// The series that both have, in the baseline's order.
std::vector<ComparedSeries> compare_series(std::span<const Series> baseline, std::span<const Series> candidate,
                                           const ComparisonOptions& options = {});

}  // namespace giemsa::bench
