#include "bench/gpu/vendor.h"

#include <array>
#include <memory>
#include <vector>

#include "engine/base/check.h"
#include "engine/cuda/vendor.h"

namespace giemsa::bench {

namespace {

/// Device memory of small values, of which none is zero: fp16 or fp32 in [-0.5, 0.5).
cuda::DeviceMemory random_values(std::int64_t count, DType precision, cuda::Stream stream) {
  const std::size_t bytes = static_cast<std::size_t>(count) * size_of(precision);
  std::vector<std::byte> values(bytes);
  std::uint32_t state = 1;
  for (std::int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    const float value = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
    if (precision == DType::f16)
      reinterpret_cast<std::uint16_t*>(values.data())[i] = f32_to_f16(value);
    else
      reinterpret_cast<float*>(values.data())[i] = value;
  }
  cuda::DeviceMemory memory = cuda::device_memory(bytes);
  cuda::copy(memory.get(), values.data(), bytes, stream);
  cuda::synchronise(stream);
  return memory;
}

/// The library, opened at its first use: that takes some 100 ms. Throws Error(device) each time where it cannot be.
cuda::Vendor& library(cuda::Provider provider) {
  static std::array<std::shared_ptr<cuda::Vendor>, 3> opened;
  auto& vendor = opened[static_cast<std::size_t>(provider)];
  if (!vendor) vendor = cuda::open_vendor(provider);
  return *vendor;
}

/// Random operands, of so many elements.
struct Operands {
  Operands(std::int64_t x_count, std::int64_t w_count, std::int64_t bias_count, std::int64_t y_count, DType precision,
           cuda::Stream stream)
      : x(random_values(x_count, precision, stream)),
        w(random_values(w_count, precision, stream)),
        bias(random_values(bias_count, precision, stream)),
        y(cuda::device_memory(static_cast<std::size_t>(y_count) * size_of(precision))) {}

  cuda::DeviceMemory x, w, bias, y;
};

/// The fastest of the plans that the library suggests first.
template <class Order>
VendorTime time_plans(Stopwatch& stopwatch, cuda::Vendor& vendor, const Order& order, const Operands& operands) {
  constexpr int tried = 3;
  VendorTime best{std::nullopt, vendor.version() + " has no kernel for it"};
  for (int rank = 0; rank < tried; ++rank) {
    try {
      const auto plan = vendor.plan(order, rank);
      if (!plan) break;
      const cuda::DeviceMemory workspace = cuda::device_memory(plan->workspace_bytes());
      const auto run = [&](cuda::Stream stream) {
        plan->enqueue({.x = operands.x.get(),
                       .w = operands.w.get(),
                       .bias = operands.bias.get(),
                       .y = operands.y.get(),
                       .workspace = workspace.get()},
                      stream);
      };
      run(stopwatch.stream());  // what is loaded at the first call may not be recorded
      cuda::synchronise(stopwatch.stream());
      const double us = stopwatch.in_graph(run).median;
      if (!best.us || us < *best.us) best = {us, plan->description()};
    } catch (const std::runtime_error& error) {
      if (!best.us) best.note = error.what();
    }
  }
  return best;
}

VendorTime time_product(Stopwatch& stopwatch, std::int64_t m, std::int64_t n, std::int64_t k, DType precision) {
  const Operands operands(m * k, n * k, n, m * n, precision, stopwatch.stream());
  cuda::MatmulDescriptor order;
  order.a = {precision, k, n, k};
  order.b = {precision, k, m, k};
  order.d = {precision, n, m, n};
  order.bias = operands.bias.get();
  return time_plans(stopwatch, library(cuda::Provider::cublas), order, operands);
}

/// Dense, channels last.
cuda::TensorLayout layout_of(const Shape& shape, DType precision) {
  const std::int64_t channels = shape[1], row = shape[3] * channels;
  return {precision, {shape[0], channels, shape[2], shape[3]}, {shape[2] * row, 1, row, channels}};
}

}  // namespace

VendorTime vendor_linear(Stopwatch& stopwatch, std::int64_t samples, std::int64_t in, std::int64_t out,
                         DType precision) {
  try {
    return time_product(stopwatch, samples, out, in, precision);
  } catch (const std::runtime_error& error) {
    return {std::nullopt, error.what()};
  }
}

std::optional<double> vendor_matrix_rate(Stopwatch& stopwatch) {
  constexpr std::int64_t side = 8192;
  try {
    const VendorTime time = time_product(stopwatch, side, side, side, DType::f16);
    if (time.us) return 2.0 * side * side * side / (*time.us * 1e-6);
  } catch (const std::runtime_error&) {  // vendor_versions() tells
  }
  return std::nullopt;
}

VendorTime vendor_convolution(Stopwatch& stopwatch, const Conv2d& op, const Shape& in, const Shape& out,
                              DType precision) {
  try {
    const Shape filter{op.out_channels, in[1] / op.groups, op.kernel.h, op.kernel.w};
    const Operands operands(in.volume(), filter.volume(), op.out_channels, out.volume(), precision, stopwatch.stream());
    cuda::ConvolutionDescriptor order;
    order.x = layout_of(in, precision);
    order.w = layout_of(filter, precision);
    order.bias = layout_of({1, op.out_channels, 1, 1}, precision);
    order.y = layout_of(out, precision);
    order.stride = op.stride;
    order.padding = op.padding;
    order.dilation = op.dilation;
    order.relu = op.activation == Activation::relu;
    return time_plans(stopwatch, library(cuda::Provider::cudnn), order, operands);
  } catch (const std::runtime_error& error) {
    return {std::nullopt, error.what()};
  }
}

std::string vendor_versions() {
  std::string text;
  for (const cuda::Provider provider : {cuda::Provider::cudnn, cuda::Provider::cublas}) {
    text += text.empty() ? "" : ", ";
    try {
      text += library(provider).version();
    } catch (const std::runtime_error& error) {
      text += error.what();
    }
  }
  return cat(text, "; ", cudnn_caveat);
}

}  // namespace giemsa::bench
