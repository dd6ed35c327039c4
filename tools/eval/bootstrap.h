// How far a figure might have come out elsewhere with other images: percentile intervals of the bootstrap (Efron and
// Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tools/eval/confusion_matrix.h"

namespace giemsa::eval {

struct BootstrapOptions {
  int replicates = 2000;
  std::uint64_t seed = 1;
};

struct Interval {
  double low = undefined, high = undefined;
};

/// Figures of the images of these indices, always the same ones in the same order.
using FiguresOf = std::function<std::vector<double>(std::span<const std::size_t>)>;

/// The 2.5th and 97.5th percentile of each figure over replicates, each of `images` images drawn with replacement;
/// replicates in which it is undefined are left out. Draw number i of all is (r_i >> 32) * images >> 32 of the
/// SplitMix64 sequence r that `seed` starts: the same everywhere. Undefined without images or replicates.
std::vector<Interval> bootstrap_intervals(std::size_t images, const BootstrapOptions& options,
                                          const FiguresOf& figures_of);

}  // namespace giemsa::eval
