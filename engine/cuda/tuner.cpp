#include "engine/cuda/tuner.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "engine/base/check.h"
#include "engine/cuda/fusion.h"
#include "engine/cuda/naming.h"
#include "engine/cuda/trial.h"
#include "engine/passes/passes.h"

namespace giemsa::cuda {

namespace {

using kernels::Conv2dParams;
using kernels::Conv2dPlan;
using kernels::Conv2dTile;
using kernels::Half;

std::size_t elements(int images, int h, int w, int pixel_stride) {
  return static_cast<std::size_t>(images) * static_cast<std::size_t>(h) * static_cast<std::size_t>(w) *
         static_cast<std::size_t>(pixel_stride);
}

std::vector<Conv2dPlan> plans_for(const Conv2dParams& params) {
  std::vector<Conv2dPlan> plans;
  for (Conv2dTile tile : {Conv2dTile::m128n64k32, Conv2dTile::m64n64k32, Conv2dTile::m32n64k64})
    for (int splits = 1; splits <= Conv2dPlan::max_splits; ++splits)
      if (const Conv2dPlan plan{tile, splits}; kernels::fits(params, plan)) plans.push_back(plan);
  return plans;
}

/// A convolution of random numbers on the device. Products are multiples of 2^-8 of at most 1: fp32 holds every sum of
/// 2^16 of them.
class Trial {
 public:
  Trial(const Conv2dParams& params, std::span<const Conv2dPlan> plans, int runs, Stream stream)
      : params_(params),
        out_elements_(elements(params.images, params.out_h(), params.out_w(), params.output_pixel_stride)) {
    const int copies = copies_for(runs);
    ExactNumbers numbers;
    input_ =
        uploaded(numbers.halves(elements(params.images, params.in_h, params.in_w, params.input_pixel_stride)), stream);
    const auto weight =
        numbers.halves(static_cast<std::size_t>(params.out_channels) * static_cast<std::size_t>(params.depth()));
    std::vector<Half> packed(kernels::packed_weight_size(params));
    kernels::pack_conv2d_weight(packed.data(), weight.data(), params);
    weight_ = Copies(packed, copies, stream);
    bias_ = Copies(numbers.floats(static_cast<std::size_t>(params.out_channels)), copies, stream);
    if (params.residual_pixel_stride > 0)
      residual_ = uploaded(
          numbers.halves(elements(params.images, params.out_h(), params.out_w(), params.residual_pixel_stride)),
          stream);
    output_ = device_memory(out_elements_ * sizeof(Half));
    std::size_t workspace_bytes = 0;
    for (const Conv2dPlan& plan : plans)
      workspace_bytes = std::max(workspace_bytes, kernels::workspace_bytes(params, plan));
    workspace_ = device_memory(workspace_bytes);
  }

  TimedLaunch launch(const Conv2dPlan& plan) const {
    return [this, plan](Stream stream, int run) {
      const kernels::Conv2dInputs<Half> inputs{
          static_cast<const Half*>(input_.get()), static_cast<const Half*>(weight_.at(run)),
          static_cast<const float*>(bias_.at(run)), static_cast<const Half*>(residual_.get())};
      kernels::conv2d(static_cast<Half*>(output_.get()), static_cast<float*>(workspace_.get()), inputs, params_, plan,
                      stream);
    };
  }

  std::vector<std::uint16_t> result(const Conv2dPlan& plan, Stream stream) const {
    return result_of(launch(plan), output_.get(), out_elements_, stream);
  }

 private:
  Conv2dParams params_;
  std::size_t out_elements_;
  Copies weight_, bias_;
  DeviceMemory input_, residual_, output_, workspace_;
};

}  // namespace

std::size_t worth_changing(std::span<const double> times, std::size_t usual) {
  const auto least = static_cast<std::size_t>(std::ranges::min_element(times) - times.begin());
  return times[least] < 0.98 * times[usual] ? least : usual;
}

PlanTimes measure_plans(const Conv2dParams& params, const DeviceFacts& gpu, const Effort& effort) {
  PlanTimes result;
  naming(describe(params), [&] {
    const std::vector<Conv2dPlan> plans = plans_for(params);
    const OwnedStream stream;
    const Trial trial(params, plans, effort.runs, stream.get());
    const Conv2dPlan simplest{Conv2dTile::m64n64k32, 1};
    const std::vector<std::uint16_t> expected = trial.result(simplest, stream.get());
    std::vector<TimedLaunch> launches;
    for (const Conv2dPlan& plan : plans) {
      check(trial.result(plan, stream.get()) == expected, ErrorKind::device, "plan ", describe(plan),
            " computes other numbers than plan ", describe(simplest));
      launches.push_back(trial.launch(plan));
    }
    const std::vector<double> times = median_us(launches, effort.runs, effort.rounds, gpu.l2_bytes, stream.get());
    const Conv2dPlan usual = kernels::choose(params, gpu.sm_count);
    const auto usual_index = static_cast<std::size_t>(std::ranges::find(plans, usual) - plans.begin());
    check(usual_index < plans.size(), ErrorKind::internal, "the usual plan does not fit");
    const std::size_t best = worth_changing(times, usual_index);
    result = {params, usual, plans[best], times[usual_index], times[best]};
  });
  return result;
}

Tunable tunable(std::span<const Graph> graphs, const Context& context) {
  Tunable found;
  std::set<std::string> known;
  const auto add = [&](const Conv2dParams& params) {
    if (known.insert(describe(params)).second) found.convolutions.push_back(params);
  };
  for (const Graph& graph : graphs) {
    const Graph optimal = optimize(graph);
    for (const SeparableCandidate& candidate : separable_candidates(optimal, context)) {
      const Pair pair = pair_of(candidate.op, optimal[candidate.depthwise->inputs[0]].type.shape);
      if (!known.insert(describe(pair)).second) continue;
      found.pairs.push_back(pair);
      add(pair.params.pointwise());  // which the graph shows only where the pair runs apart
    }
    const Graph fused = fuse_depthwise(optimal, context);
    const Layout layout = lay_out(fused, layout_rules(context.precision));
    const auto buffer = [&](ValueId id) -> const Buffer& { return layout.buffers[index_of(id)]; };
    for (const Node& node : fused.nodes()) {
      const auto* op = std::get_if<Conv2d>(&node.op);
      if (!op || (is_depthwise(*op, fused[node.inputs[0]].type.shape[1]) && !op->residual)) continue;
      add(params_of(*op, buffer(node.inputs[0]), buffer(node.output()),
                    op->residual ? &buffer(node.inputs[1]) : nullptr));
    }
  }
  return found;
}

Tuning tune(std::span<const Graph> graphs, const DeviceFacts& gpu, const Measured& measured, const Effort& effort) {
  Context context;
  context.gpu = gpu;
  context.precision = DType::f16;
  const auto [convolutions, pairs] = tunable(graphs, context);

  Tuning tuning;
  std::map<std::string, Conv2dPlan> best;
  for (const Conv2dParams& params : convolutions) {
    const PlanTimes times = measure_plans(params, gpu, effort);
    best[describe(params)] = times.best;
    if (times.best != times.usual) tuning.set(params, times.best);
    measured.convolution(times);
  }
  for (const Pair& pair : pairs) {
    const PairTimes times = measure_pair(pair, best.at(describe(pair.params.pointwise())), gpu, effort);
    if (times.best != times.usual) tuning.set(pair, times.best);
    measured.pair(times);
  }
  return tuning;
}

}  // namespace giemsa::cuda
