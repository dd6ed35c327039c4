#include "engine/cuda/tuner.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "engine/check.h"
#include "engine/cuda/stage.h"
#include "engine/passes/passes.h"
#include "engine/tensor.h"

namespace giemsa::cuda {

namespace {

using kernels::Conv2dParams;
using kernels::Conv2dPlan;
using kernels::Conv2dTile;
using kernels::Half;

/// i / 16 from -1 to 1. Products are then multiples of 2^-8 of at most 1, and fp32 holds every sum of 2^16 of them:
/// the order of additions, in which plans differ, does not show.
class ExactNumbers {
 public:
  float next() { return static_cast<float>(static_cast<int>(bits_() % 33) - 16) / 16; }

  std::vector<Half> halves(std::size_t count) {
    std::vector<Half> values(count);
    for (Half& value : values) value = {f32_to_f16(next())};
    return values;
  }
  std::vector<float> floats(std::size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = next();
    return values;
  }

 private:
  std::mt19937 bits_{1};
};

template <class T>
DeviceMemory uploaded(const std::vector<T>& values, Stream stream) {
  DeviceMemory memory = device_memory(values.size() * sizeof(T));
  copy(memory.get(), values.data(), values.size() * sizeof(T), stream);
  synchronise(stream);
  return memory;
}

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

/// A convolution of random numbers on the device.
class Trial {
 public:
  Trial(const Conv2dParams& params, std::span<const Conv2dPlan> plans, Stream stream)
      : params_(params),
        out_elements_(elements(params.images, params.out_h(), params.out_w(), params.output_pixel_stride)) {
    ExactNumbers numbers;
    input_ =
        uploaded(numbers.halves(elements(params.images, params.in_h, params.in_w, params.input_pixel_stride)), stream);
    const auto weight =
        numbers.halves(static_cast<std::size_t>(params.out_channels) * static_cast<std::size_t>(params.depth()));
    std::vector<Half> packed(kernels::packed_weight_size(params));
    kernels::pack_conv2d_weight(packed.data(), weight.data(), params);
    weight_ = uploaded(packed, stream);
    bias_ = uploaded(numbers.floats(static_cast<std::size_t>(params.out_channels)), stream);
    if (params.residual_pixel_stride > 0)
      residual_ = uploaded(
          numbers.halves(elements(params.images, params.out_h(), params.out_w(), params.residual_pixel_stride)),
          stream);
    output_ = uploaded(std::vector<Half>(out_elements_), stream);
    std::size_t workspace_bytes = 0;
    for (const Conv2dPlan& plan : plans)
      workspace_bytes = std::max(workspace_bytes, kernels::workspace_bytes(params, plan));
    workspace_ = device_memory(workspace_bytes);
  }

  void enqueue(const Conv2dPlan& plan, Stream stream) const {
    const kernels::Conv2dInputs<Half> inputs{
        static_cast<const Half*>(input_.get()), static_cast<const Half*>(weight_.get()),
        static_cast<const float*>(bias_.get()), static_cast<const Half*>(residual_.get())};
    kernels::conv2d(static_cast<Half*>(output_.get()), static_cast<float*>(workspace_.get()), inputs, params_, plan,
                    stream);
  }

  std::vector<std::uint16_t> result(const Conv2dPlan& plan, Stream stream) const {
    // NaN wherever the plan before wrote, so that an element this one leaves out differs.
    std::vector<std::uint16_t> values(out_elements_, 0xffff);
    copy(output_.get(), values.data(), values.size() * sizeof(Half), stream);
    enqueue(plan, stream);
    copy(values.data(), output_.get(), values.size() * sizeof(Half), stream);
    synchronise(stream);
    return values;
  }

 private:
  Conv2dParams params_;
  std::size_t out_elements_;
  DeviceMemory input_, weight_, bias_, residual_, output_, workspace_;
};

void check_agreement(const Trial& trial, const Conv2dParams& params, std::span<const Conv2dPlan> plans, Stream stream) {
  const std::vector<std::uint16_t> expected = trial.result({Conv2dTile::m64n64k32, 1}, stream);
  for (const Conv2dPlan& plan : plans)
    check(trial.result(plan, stream) == expected, ErrorKind::device, describe(params), ": plan ", describe(plan),
          " computes other numbers than plan ", describe(Conv2dPlan{Conv2dTile::m64n64k32, 1}));
}

/// A plan's runs in a row, as a program: what they read is in L2 as far as it fits, as in a network, whose layers read
/// what the one before wrote; and the host takes no part.
class TimedPlan {
 public:
  TimedPlan(const Trial& trial, const Conv2dPlan& plan, int runs)
      : runs_(runs), program_([this, &trial, plan](Recorder& recorder) {
          start_.record(recorder.stream());
          for (int i = 0; i < runs_; ++i) trial.enqueue(plan, recorder.stream());
          end_.record(recorder.stream());
        }) {}

  void sample(Stream stream) {
    program_.launch(stream);
    synchronise(stream);
    samples_.push_back(end_.ms_since(start_) * 1000 / runs_);
  }

  double median_us() {
    const auto middle = samples_.begin() + static_cast<std::ptrdiff_t>(samples_.size() / 2);
    std::nth_element(samples_.begin(), middle, samples_.end());
    return *middle;
  }

 private:
  int runs_;
  Moment start_, end_;
  Program program_;
  std::vector<double> samples_;
};

}  // namespace

std::size_t worth_changing(std::span<const double> times, std::size_t usual) {
  const auto least = static_cast<std::size_t>(std::ranges::min_element(times) - times.begin());
  return times[least] < 0.98 * times[usual] ? least : usual;
}

PlanTimes measure_plans(const Conv2dParams& params, int sm_count, const Effort& effort) {
  const std::vector<Conv2dPlan> plans = plans_for(params);
  const OwnedStream stream;
  const Trial trial(params, plans, stream.get());
  check_agreement(trial, params, plans, stream.get());

  std::vector<std::unique_ptr<TimedPlan>> timed;
  for (const Conv2dPlan& plan : plans) timed.push_back(std::make_unique<TimedPlan>(trial, plan, effort.runs));
  // All plans in turn, so that a drifting clock meets each of them alike.
  for (int round = 0; round < effort.rounds; ++round)
    for (const auto& plan : timed) plan->sample(stream.get());

  std::vector<double> times;
  for (const auto& plan : timed) times.push_back(plan->median_us());
  const Conv2dPlan usual = kernels::choose(params, sm_count);
  const auto usual_index = static_cast<std::size_t>(std::ranges::find(plans, usual) - plans.begin());
  check(usual_index < plans.size(), ErrorKind::internal, describe(params), ": the usual plan does not fit");
  const std::size_t best = worth_changing(times, usual_index);
  return {params, usual, plans[best], times[usual_index], times[best]};
}

Tuning tune(std::span<const Graph> graphs, const DeviceFacts& gpu,
            const std::function<void(const PlanTimes&)>& measured, const Effort& effort) {
  Context context;
  context.gpu = gpu;
  context.precision = DType::f16;
  std::vector<Conv2dParams> convolutions;
  std::set<std::string> known;
  context.tuning.observe([&](const Conv2dParams& params) {
    if (known.insert(describe(params)).second) convolutions.push_back(params);
  });
  // Building its steps is how the backend asks for plans.
  for (const Graph& graph : graphs) {
    const Graph optimal = optimize(graph);
    const Stage stage(optimal, context);
  }

  Tuning tuning;
  for (const Conv2dParams& params : convolutions) {
    const PlanTimes times = measure_plans(params, gpu.sm_count, effort);
    if (times.best != times.usual) tuning.set(params, times.best);
    measured(times);
  }
  return tuning;
}

}  // namespace giemsa::cuda
