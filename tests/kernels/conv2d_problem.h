// A convolution of conv2d_cases.h on the device, for every kernel that computes it, and how far off its result may be.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "engine/base/tensor.h"
#include "kernels/conv2d.h"
#include "tests/kernels/device_buffer.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/compare.h"
#include "tests/ops/conv2d_cases.h"
#include "tests/ops/random.h"
#include "tests/ref/conv2d.h"
#include "tests/ref/random.h"

namespace giemsa::test {

using kernels::Conv2dInputs;
using kernels::Conv2dParams;
using kernels::Conv2dPlan;
using kernels::Half;

template <class T>
T from_float(float value) {
  if constexpr (std::is_same_v<T, Half>)
    return {f32_to_f16(value)};
  else
    return value;
}
inline float as_float(float value) {
  return value;
}
inline float as_float(Half value) {
  return f16_to_f32(value.bits);
}
inline bool untouched(float value) {
  return std::bit_cast<std::uint32_t>(value) == 0xffffffffu;
}
inline bool untouched(Half value) {
  return value.bits == 0xffff;
}

template <class T>
std::vector<T> from_floats(std::span<const float> values) {
  std::vector<T> result;
  for (float value : values) result.push_back(from_float<T>(value));
  return result;
}

/// An absent tensor still needs an address to be absent at.
template <class T>
std::vector<T> some(std::vector<T> values) {
  if (values.empty()) values.resize(1);
  return values;
}

/// Elements of others around each pixel's channels.
struct Slice {
  int before = 0, after = 0;

  int stride(std::int64_t channels) const { return before + static_cast<int>(channels) + after; }
  std::size_t index(const Shape& shape, std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
    return static_cast<std::size_t>(((n * shape[2] + y) * shape[3] + x) * stride(shape[1]) + before + c);
  }
};

/// NCHW -> NHWC within a slice, NaN around it.
template <class T>
std::vector<T> to_nhwc(const Tensor& tensor, const Slice& slice) {
  const Shape& shape = tensor.shape();
  std::vector<T> result(static_cast<std::size_t>(shape[0] * shape[2] * shape[3] * slice.stride(shape[1])),
                        from_float<T>(NAN));
  const auto values = tensor.as<float>();
  ref::for_each_element(shape, [&](std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x, std::size_t i) {
    result[slice.index(shape, n, c, y, x)] = from_float<T>(values[i]);
  });
  return result;
}

/// A case's tensors, exact in fp16, and what is to come out.
struct Problem {
  explicit Problem(const Conv2dCase& c)
      : name(c.name),
        op(c.op),
        input(ref::random_tensor(c.input, 51, -c.reach, c.reach)),
        weights(weights_of(c)),
        out(out_of(c)) {
    if (op.residual) residual = ref::random_tensor(out, 59);
  }
  static Weights weights_of(const Conv2dCase& c) {
    Weights weights;
    weights.weight = ref::random_tensor({c.op.out_channels, c.input[1] / c.op.groups, c.op.kernel.h, c.op.kernel.w}, 53,
                                        -c.reach, c.reach);
    if (c.bias) weights.bias = ref::random_tensor({c.op.out_channels}, 57);
    return weights;
  }
  static Shape out_of(const Conv2dCase& c) {
    const Conv2dParams p = shape_params(c.input, c.op);
    return {c.input[0], c.op.out_channels, p.out_h(), p.out_w()};
  }
  static Conv2dParams shape_params(const Shape& in, const Conv2d& op) {
    const auto size = [](Size2 s) { return Conv2dParams::Size{static_cast<int>(s.h), static_cast<int>(s.w)}; };
    return {.images = static_cast<int>(in[0]),
            .in_h = static_cast<int>(in[2]),
            .in_w = static_cast<int>(in[3]),
            .in_channels = static_cast<int>(in[1]),
            .out_channels = static_cast<int>(op.out_channels),
            .kernel = size(op.kernel),
            .stride = size(op.stride),
            .padding = size(op.padding),
            .dilation = size(op.dilation),
            .groups = static_cast<int>(op.groups),
            .input_pixel_stride = static_cast<int>(in[1]),
            .output_pixel_stride = static_cast<int>(op.out_channels),
            .residual_pixel_stride = op.residual ? static_cast<int>(op.out_channels) : 0,
            .relu = op.activation != Activation::none,
            .ceiling = ceiling_of(op.activation)};
  }
  ref::Reference reference() const { return ref::conv2d(input, op, weights, residual); }
  /// Of the tiles that cover it: a depthwise convolution fills hardly any of each.
  double multiply_adds() const {
    const Conv2dParams p = shape_params(input.shape(), op);
    const auto covered = [](int extent, int tile) { return double(kernels::ceil_div(extent, tile)) * tile; };
    return p.groups * covered(p.pixels(), 64) * covered(p.group_out(), 64) * covered(p.depth(), 32);
  }

  std::string name;
  Conv2d op;
  Tensor input, residual;
  Weights weights;
  Shape out;
};

/// A problem on the device, its input and output in slices. In is Half or float, for conv2d() and conv2d_f32().
template <class In, class Out>
class OnDevice {
 public:
  OnDevice(const Problem& problem, const Slice& input_slice, const Slice& output_slice)
      : problem_(problem),
        input_slice_(input_slice),
        slice_(output_slice),
        params_(Problem::shape_params(problem.input.shape(), problem.op)),
        input_(std::span<const In>(to_nhwc<In>(problem.input, input_slice))),
        weight_(std::span<const In>(packed())),
        bias_(std::span<const float>(some(from_floats<float>(problem.weights.bias.as<float>())))),
        residual_(std::span<const In>(some(to_nhwc<In>(problem.residual, output_slice)))) {
    params_.input_pixel_stride = input_slice.stride(params_.in_channels);
    params_.output_pixel_stride = output_slice.stride(params_.out_channels);
    if (problem.op.residual) params_.residual_pixel_stride = params_.output_pixel_stride;
  }

  const Conv2dParams& params() const { return params_; }

  /// What conv2d() makes by `plan`, or conv2d_f32().
  std::vector<float> run(const Conv2dPlan& plan) {
    DeviceBuffer<float> workspace(static_cast<std::int64_t>(workspace_bytes(params_, plan) / sizeof(float)));
    return run([&](Out* output, const Conv2dInputs<In>& inputs, const Conv2dParams& params) {
      if constexpr (std::is_same_v<In, float>)
        conv2d_f32(output, inputs, params, nullptr);
      else
        conv2d(output, workspace.data(), inputs, params, plan, nullptr);
    });
  }

  /// The output of kernel(output, inputs, params) in NCHW, once nothing was written around it.
  template <class Kernel>
  std::vector<float> run(
      const Kernel& kernel) requires std::is_invocable_v<Kernel, Out*, Conv2dInputs<In>, Conv2dParams> {
    DeviceBuffer<Out> output(std::int64_t{params_.pixels()} * params_.output_pixel_stride);
    const Conv2dInputs<In> inputs{input_.data() + input_slice_.before, weight_.data(),
                                  problem_.weights.bias ? bias_.data() : nullptr,
                                  problem_.op.residual ? residual_.data() + slice_.before : nullptr};
    kernel(output.data() + slice_.before, inputs, params_);

    const std::vector<Out> all = output.values();
    std::vector<float> result;
    ref::for_each_element(problem_.out, [&](std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x, auto) {
      result.push_back(as_float(all[slice_.index(problem_.out, n, c, y, x)]));
    });
    const auto left = std::count_if(all.begin(), all.end(), [](Out value) { return untouched(value); });
    CHECK_EQ(static_cast<std::size_t>(left), all.size() - result.size());
    return result;
  }

 private:
  std::vector<In> packed() const {
    const std::vector<In> weight = from_floats<In>(problem_.weights.weight.as<float>());
    std::vector<In> result(packed_weight_size(params_));
    pack_conv2d_weight(result.data(), weight.data(), params_);
    return result;
  }

  const Problem& problem_;
  Slice input_slice_, slice_;
  Conv2dParams params_;
  DeviceBuffer<In> input_, weight_;
  DeviceBuffer<float> bias_;
  DeviceBuffer<In> residual_;
};

/// Tensor cores align the products of an instruction and cut off what falls below the largest (Fasi et al., Numerical
/// behavior of NVIDIA tensor cores, 2021): up to twice a rounding's error. A split sum has one more addition a part.
template <class In, class Out>
double tolerance(const ref::Reference& reference, std::size_t i) {
  const double unit = std::is_same_v<In, Half> ? 0x1p-23 : 0x1p-24;
  const double nu = (reference.roundings + Conv2dPlan::max_splits) * unit;
  const double computed = nu / (1 - nu) * reference.magnitude[i];
  if constexpr (std::is_same_v<Out, float>)
    return computed;
  else
    return computed + 0x1p-11 * (std::abs(reference.value[i]) + computed) + 0x1p-25;
}

/// In all thread orders, unless that would take the emulator seconds.
template <class Test>
void in_affordable_thread_orders(const Problem& problem, const Test& test) {
  if (problem.multiply_adds() > 4e6)
    test();
  else
    in_all_thread_orders(test);
}

inline Conv2dCase case_named(const std::string& name) {
  for (const Conv2dCase& c : conv2d_cases())
    if (c.name == name) return c;
  FAIL("no case ", name);
  return {};
}

}  // namespace giemsa::test
