// A depthwise and a pointwise convolution as one kernel against the two apart.
#include <algorithm>
#include <array>

#include "engine/base/check.h"
#include "engine/cuda/naming.h"
#include "engine/cuda/trial.h"
#include "engine/cuda/tuner.h"
#include "kernels/aspp.h"
#include "kernels/depthwise.h"

namespace giemsa::cuda {

namespace {

using kernels::Conv2dParams;
using kernels::Conv2dPlan;
using kernels::Half;
using kernels::SeparableParams;
using kernels::SeparablePlan;
using kernels::SeparableTile;

std::vector<SeparablePlan> plans_for(const SeparableParams& params) {
  std::vector<SeparablePlan> plans;
  for (SeparableTile tile : {SeparableTile::m32n256k32, SeparableTile::m32n128k64})
    for (const bool patches : {false, true})
      for (int splits = 1; splits <= SeparablePlan::max_splits; ++splits)
        if (const SeparablePlan plan{tile, splits, patches}; kernels::fits(params, plan)) plans.push_back(plan);
  return plans;
}

/// A pair of random numbers on the device. What lies between the two is a multiple of 2^-4 of at most 9/4 + 1, which
/// fp16 holds; their products with the pointwise weight are multiples of 2^-8, and fp32 holds every sum of 2^14.
class PairTrial {
 public:
  PairTrial(const Pair& pair, const Conv2dPlan& pointwise, std::span<const SeparablePlan> plans, int runs,
            Stream stream)
      : pair_(pair), pointwise_plan_(pointwise) {
    const SeparableParams& p = pair_.params;
    const auto channels = static_cast<std::size_t>(p.channels), outputs = static_cast<std::size_t>(p.out_channels);
    const auto out_pixels = static_cast<std::size_t>(p.pixels());
    const int copies = copies_for(runs) * pair.branches;
    ExactNumbers numbers;
    const std::size_t in_pixels =
        static_cast<std::size_t>(p.images) * static_cast<std::size_t>(p.in_h) * static_cast<std::size_t>(p.in_w);
    input_ = uploaded(numbers.halves(in_pixels * static_cast<std::size_t>(p.input_pixel_stride), 0x1p-2f), stream);
    depthwise_weight_ = Copies(numbers.halves(9 * channels, 0x1p-2f, 0x1p-2f), copies, stream);
    depthwise_bias_ = Copies(numbers.floats(channels), copies, stream);
    const std::vector<Half> weight = numbers.halves(outputs * channels);
    std::vector<Half> packed(kernels::packed_weight_size(p.pointwise()));
    kernels::pack_conv2d_weight(packed.data(), weight.data(), p.pointwise());
    weight_ = Copies(packed, copies, stream);
    bias_ = Copies(numbers.floats(outputs), copies, stream);
    for (auto& mid : mid_) mid = device_memory(out_pixels * channels * sizeof(Half));
    out_elements_ = out_pixels * static_cast<std::size_t>(p.output_pixel_stride);
    output_ = device_memory(out_elements_ * sizeof(Half));
    std::size_t bytes = kernels::workspace_bytes(p.pointwise(), pointwise);
    for (const SeparablePlan& plan : plans) bytes = std::max(bytes, kernels::workspace_bytes(p, plan));
    workspace_ = device_memory(bytes);
  }

  /// As one kernel; or apart, all branches.
  TimedLaunch launch(const PairPlan& plan) const {
    if (!plan)
      return [this](Stream stream, int run) {
        depthwise(stream, run);
        for (int branch = 0; branch < pair_.branches; ++branch) pointwise(branch, stream, run);
      };
    return [this, plan = *plan](Stream stream, int run) {
      const int copy = copy_of(run, 0);
      const kernels::SeparableInputs inputs{static_cast<const Half*>(input_.get()), halves(depthwise_weight_, copy),
                                            floats(depthwise_bias_, copy), halves(weight_, copy), floats(bias_, copy)};
      kernels::separable(static_cast<Half*>(output_.get()), static_cast<float*>(workspace_.get()), inputs, pair_.params,
                         plan, stream);
    };
  }

  std::vector<std::uint16_t> result(const PairPlan& plan, Stream stream) const {
    return result_of(launch(plan), output_.get(), out_elements_, stream);
  }

 private:
  static const Half* halves(const Copies& copies, int i) { return static_cast<const Half*>(copies.at(i)); }
  static const float* floats(const Copies& copies, int i) { return static_cast<const float*>(copies.at(i)); }
  /// The weights' copy that a branch takes in a run: none is taken twice.
  int copy_of(int run, int branch) const { return run * pair_.branches + branch; }
  Half* mid(int branch) const { return static_cast<Half*>(mid_[static_cast<std::size_t>(branch)].get()); }

  /// The depthwise convolutions.
  void depthwise(Stream stream, int run) const {
    const SeparableParams& p = pair_.params;
    if (pair_.branches == kernels::aspp_branches) {
      const int rate = p.window.dilation.h;
      const kernels::AsppParams aspp{.images = p.images,
                                     .channels = p.channels,
                                     .map = {p.in_h, p.in_w},
                                     .rates = {rate, rate, rate},
                                     .input_pixel_stride = p.input_pixel_stride,
                                     .output_pixel_stride = p.channels,
                                     .relu = p.depthwise_relu};
      const auto branch = [&](int i) {
        const int copy = copy_of(run, i);
        return kernels::AsppBranch<Half>{mid(i), halves(depthwise_weight_, copy), floats(depthwise_bias_, copy)};
      };
      const kernels::AsppBranch<Half> branches[]{branch(0), branch(1), branch(2)};
      return kernels::aspp_depthwise(branches, static_cast<const Half*>(input_.get()), aspp, stream);
    }
    const kernels::DepthwiseParams params{.images = p.images,
                                          .channels = p.channels,
                                          .in = {p.in_h, p.in_w},
                                          .out = {p.out_h(), p.out_w()},
                                          .window = p.window,
                                          .input_pixel_stride = p.input_pixel_stride,
                                          .output_pixel_stride = p.channels,
                                          .relu = p.depthwise_relu,
                                          .ceiling = p.depthwise_ceiling};
    const int copy = copy_of(run, 0);
    kernels::depthwise(mid(0), static_cast<const Half*>(input_.get()), halves(depthwise_weight_, copy),
                       floats(depthwise_bias_, copy), params, stream);
  }

  /// A pointwise one.
  void pointwise(int branch, Stream stream, int run) const {
    const int copy = copy_of(run, branch);
    const kernels::Conv2dInputs<Half> inputs{mid(branch), halves(weight_, copy), floats(bias_, copy), nullptr};
    kernels::conv2d(static_cast<Half*>(output_.get()), static_cast<float*>(workspace_.get()), inputs,
                    pair_.params.pointwise(), pointwise_plan_, stream);
  }

  Pair pair_;
  Conv2dPlan pointwise_plan_;
  std::size_t out_elements_ = 0;
  Copies depthwise_weight_, depthwise_bias_, weight_, bias_;
  DeviceMemory input_, output_, workspace_;
  std::array<DeviceMemory, kernels::aspp_branches> mid_;
};

}  // namespace

PairTimes measure_pair(const Pair& pair, const Conv2dPlan& pointwise, const DeviceFacts& gpu, const Effort& effort) {
  PairTimes result;
  naming(describe(pair), [&] {
    const std::vector<SeparablePlan> fused = plans_for(pair.params);
    std::vector<PairPlan> plans{PairPlan()};  // apart first
    plans.insert(plans.end(), fused.begin(), fused.end());
    const OwnedStream stream;
    const PairTrial trial(pair, pointwise, fused, effort.runs, stream.get());
    const std::vector<std::uint16_t> expected = trial.result(PairPlan(), stream.get());
    std::vector<TimedLaunch> launches;
    for (const PairPlan& plan : plans) {
      check(trial.result(plan, stream.get()) == expected, ErrorKind::device, "plan ", describe(plan),
            " computes other numbers than the two apart");
      launches.push_back(trial.launch(plan));
    }
    std::vector<double> times = median_us(launches, effort.runs, effort.rounds, gpu.l2_bytes, stream.get());
    times.front() /= pair.branches;
    const PairPlan usual = Tuning().plan_for(pair, gpu.sm_count);
    const auto usual_index = static_cast<std::size_t>(std::ranges::find(plans, usual) - plans.begin());
    check(usual_index < plans.size(), ErrorKind::internal, "the usual plan does not fit");
    const std::size_t best = worth_changing(times, usual_index);
    result = {pair, usual, plans[best], times[usual_index], times[best]};
  });
  return result;
}

}  // namespace giemsa::cuda
