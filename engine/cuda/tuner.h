// Which plan of a convolution is fastest, measured: what `giemsa tune` asks of a GPU.
#pragma once

#include <functional>
#include <span>

#include "engine/cuda/runtime.h"
#include "engine/cuda/tuning.h"
#include "engine/graph.h"

namespace giemsa::cuda {

/// How often things are run.
struct Effort {
  int runs = 20;   ///< of a plan in a program, which is what a sample times
  int rounds = 9;  ///< samples of a plan; its time is their median
};

struct PlanTimes {
  kernels::Conv2dParams params;
  kernels::Conv2dPlan usual, best;   ///< of kernels::choose(); what to use instead, `usual` where nothing is better
  double usual_us = 0, best_us = 0;  ///< of one run, launch included
};

/// The index of the least time if that is more than 2 % below times[usual], else `usual`: noise changes no plan.
std::size_t worth_changing(std::span<const double> times, std::size_t usual);

/// Runs every plan that fits, on random numbers, on the current GPU. Throws Error(device), naming the convolution and
/// the plan, where two plans disagree by a bit: the numbers are such that no sum of theirs is rounded.
PlanTimes measure_plans(const kernels::Conv2dParams& params, int sm_count, const Effort& effort = {});

/// The convolutions that conv2d() computes where the backend runs these graphs in fp16 on the current GPU, each once:
/// calls `measured` after each and keeps the plans that differ from the usual ones.
Tuning tune(std::span<const Graph> graphs, const DeviceFacts& gpu,
            const std::function<void(const PlanTimes&)>& measured, const Effort& effort = {});

}  // namespace giemsa::cuda
