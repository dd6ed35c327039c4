// Which tile and how many splits a convolution runs with, and whether a depthwise and a pointwise one run as one
// kernel: what kernels/ expects, or what was measured on a GPU of the same model. A file of lines, so that it
// can be shipped, compared and read:
//
//   giemsa-tuning 2
//   gpu NVIDIA H200
//   conv2d 1x14x14x2048 1x1/1x1 p0x0 d1x1 g1 -> 256  m32n64k64 8
//   separable 1x14x14x2048 3x3/1x1 p12x12 d12x12 of 3 -> 256  m32n128k64 4 rows
//   separable 1x56x56x304 3x3/1x1 p1x1 d1x1 of 1 -> 256  apart
#pragma once

#include <map>
#include <optional>
#include <string>

#include "kernels/conv2d.h"
#include "kernels/separable.h"

namespace giemsa::cuda {

/// What decides how fast a plan is, as a tuning file has it; the strides of slices do not.
std::string describe(const kernels::Conv2dParams& params);
/// "m32n64k64 8"
std::string describe(const kernels::Conv2dPlan& plan);

/// A depthwise convolution, one of `branches` of one input that could be one launch, and the pointwise one after it.
struct Pair {
  kernels::SeparableParams params;
  int branches = 1;
};
std::string describe(const Pair& pair);
/// How a pair runs: as one kernel by this plan, or apart.
using PairPlan = std::optional<kernels::SeparablePlan>;
/// "m32n256k32 4 patches", "m32n256k32 4 rows", "apart"
std::string describe(const PairPlan& plan);

class Tuning {
 public:
  Tuning() = default;

  /// Reads a file that text() made. Throws Error(usage), naming file and line, where it is damaged, of another version
  /// or for another GPU.
  static Tuning read(const std::string& file, const std::string& gpu);

  void set(const kernels::Conv2dParams& params, const kernels::Conv2dPlan& plan);
  kernels::Conv2dPlan plan_for(const kernels::Conv2dParams& params, int sm_count) const;
  void set(const Pair& pair, const PairPlan& plan);
  PairPlan plan_for(const Pair& pair, int sm_count) const;
  std::string text(const std::string& gpu) const;
  bool empty() const { return plans_.empty() && pairs_.empty(); }

 private:
  std::map<std::string, kernels::Conv2dPlan> plans_;  // by the convolution's description
  std::map<std::string, PairPlan> pairs_;
};

}  // namespace giemsa::cuda
