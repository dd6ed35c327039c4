// Which plan of a convolution is fastest, measured on the GPU at hand.
#pragma once

#include <functional>
#include <span>

#include "engine/cuda/runtime.h"
#include "engine/cuda/steps.h"
#include "engine/cuda/tuning.h"
#include "engine/graph/graph.h"

namespace giemsa::cuda {

/// How often things are run.
struct Effort {
  int runs = 20;   ///< of a plan in a program, which is what a sample times
  int rounds = 9;  ///< samples of a plan; its time is their median
};

/// The times of one convolution or pair, under the plan that kernels choose and under the fastest.
template <class What, class Plan>
struct TimesOf {
  What what;
  Plan usual, best;                  ///< of kernels/; what to use instead, `usual` where nothing is better
  double usual_us = 0, best_us = 0;  ///< of one run, launches included
};
using PlanTimes = TimesOf<kernels::Conv2dParams, kernels::Conv2dPlan>;
using PairTimes = TimesOf<Pair, PairPlan>;

/// The index of the least time if that is more than 2 % below times[usual], else `usual`: noise changes no plan.
std::size_t worth_changing(std::span<const double> times, std::size_t usual);

/// Runs every plan that fits, on random numbers, on the current GPU. Throws Error(device), naming the convolution and
/// the plan, where two plans disagree by a bit: the numbers are such that no sum of theirs is rounded.
PlanTimes measure_plans(const kernels::Conv2dParams& params, const DeviceFacts& gpu, const Effort& effort = {});

/// The same of a pair: as one kernel by every plan that fits, and apart, the pointwise convolution by `pointwise`.
/// Apart, ASPP's three depthwise convolutions are one launch, of which a pair is charged a third.
PairTimes measure_pair(const Pair& pair, const kernels::Conv2dPlan& pointwise, const DeviceFacts& gpu,
                       const Effort& effort = {});

/// What is told of each measurement.
struct Measured {
  std::function<void(const PlanTimes&)> convolution;
  std::function<void(const PairTimes&)> pair;
};

/// The convolutions and pairs of `graphs` whose plans can be chosen, each once. A pair's pointwise convolution is among
/// the former. Pure: nothing is compiled.
struct Tunable {
  std::vector<kernels::Conv2dParams> convolutions;
  std::vector<Pair> pairs;
};
Tunable tunable(std::span<const Graph> graphs, const Context& context);

/// Measures all that is tunable in fp16 on the current GPU: tells of each, and keeps the plans that differ from the
/// usual ones. A pair's pointwise convolution is measured first, and takes part in the comparison by its best plan.
Tuning tune(std::span<const Graph> graphs, const DeviceFacts& gpu, const Measured& measured, const Effort& effort = {});

}  // namespace giemsa::cuda
