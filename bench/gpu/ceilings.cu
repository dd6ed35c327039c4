#include "bench/gpu/ceilings.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "bench/gpu/vendor.h"
#include "kernels/ceilings.h"
#include "kernels/conv2d.h"
#include "kernels/device.h"

namespace giemsa::bench {

namespace {

using kernels::Half;
using kernels::launch;
using kernels::Stream;

// ---- kernels ----

__global__ void do_nothing() {}

__global__ void do_nothing_overlapping() {
  kernels::wait_for_previous_kernel();
  kernels::let_next_kernel_start();
}

// ---- measurements ----

double copy_rate(Stopwatch& stopwatch, std::size_t bytes, int sm_count) {
  const cuda::DeviceMemory from = cuda::device_memory(bytes), to = cuda::device_memory(bytes);
  CUDA_CHECK(cudaMemset(from.get(), 0x5a, bytes));
  const Timing timing = stopwatch.in_graph(
      [&](Stream stream) { kernels::copy_words(to.get(), from.get(), bytes, sm_count * 8, stream); });
  return 2 * static_cast<double>(bytes) / (timing.median * 1e-6);
}

double driver_copy_rate(Stopwatch& stopwatch, std::size_t bytes) {
  const cuda::DeviceMemory from = cuda::device_memory(bytes), to = cuda::device_memory(bytes);
  CUDA_CHECK(cudaMemset(from.get(), 0x5a, bytes));
  const Timing timing = stopwatch.in_graph([&](Stream stream) { cuda::copy(to.get(), from.get(), bytes, stream); });
  return 2 * static_cast<double>(bytes) / (timing.median * 1e-6);
}

/// FLOP/s of one of the two kernels of arithmetic in registers.
template <class Launch, class Flops>
double arithmetic_rate(Stopwatch& stopwatch, int sm_count, const Launch& launch_chains, const Flops& flops) {
  const kernels::ChainParams params{.blocks = sm_count * 32};
  const cuda::DeviceMemory out = cuda::device_memory(sizeof(float) * params.outputs());
  const Timing timing =
      stopwatch.in_graph([&](Stream stream) { launch_chains(static_cast<float*>(out.get()), params, stream); });
  return flops(params) / (timing.median * 1e-6);
}

/// fp16 values in [-1, 1) from a small linear congruential generator: products of zeros run faster than real ones.
cuda::DeviceMemory random_halves(std::size_t count) {
  std::vector<std::uint16_t> values(count);
  std::uint32_t state = 1;
  for (std::uint16_t& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<std::uint16_t>((state >> 16 & 0x83ffu) | 0x3800u);  // sign, 2^-1, any mantissa
  }
  cuda::DeviceMemory memory = cuda::device_memory(count * sizeof(Half));
  CUDA_CHECK(cudaMemcpy(memory.get(), values.data(), count * sizeof(Half), cudaMemcpyHostToDevice));
  return memory;
}

/// Our own convolution, as a matrix product of 16384 x 2048 x 2048.
double conv2d_rate(Stopwatch& stopwatch, int sm_count) {
  const kernels::Conv2dParams params{.images = 1,
                                     .in_h = 128,
                                     .in_w = 128,
                                     .in_channels = 2048,
                                     .out_channels = 2048,
                                     .input_pixel_stride = 2048,
                                     .output_pixel_stride = 2048};
  const auto pixels = static_cast<std::size_t>(params.pixels());
  const cuda::DeviceMemory in = random_halves(pixels * 2048), weight = random_halves(2048 * 2048);
  const cuda::DeviceMemory out = cuda::device_memory(pixels * 2048 * sizeof(Half));
  const kernels::Conv2dPlan plan = kernels::choose(params, sm_count);
  const cuda::DeviceMemory parts = cuda::device_memory(kernels::workspace_bytes(params, plan));
  const kernels::Conv2dInputs<Half> inputs{static_cast<const Half*>(in.get()), static_cast<const Half*>(weight.get()),
                                           nullptr, nullptr};
  const Timing timing = stopwatch.in_graph([&](Stream stream) {
    kernels::conv2d(static_cast<Half*>(out.get()), static_cast<float*>(parts.get()), inputs, params, plan, stream);
  });
  return kernels::cost(params, sizeof(Half)).flops / (timing.median * 1e-6);
}

using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

void nothing(Stream stream) {
  launch(do_nothing, {.grid = {1}, .block = {32}, .stream = stream});
}

using Details = std::vector<std::pair<std::string, double>>;

Details launch_latencies(Stopwatch& stopwatch) {
  const Stream stream = stopwatch.stream();
  for (int i = 0; i < 100; ++i) nothing(stream);
  cuda::synchronise(stream);

  constexpr int launches = 1000;
  const auto start = Clock::now();
  for (int i = 0; i < launches; ++i) nothing(stream);
  cuda::synchronise(stream);
  const double in_stream = us_since(start) / launches;

  std::vector<double> round_trips, graph_round_trips;
  cuda::ExecutableGraph program([](cuda::Recorder& recorder) { nothing(recorder.stream()); });
  program.launch(stream);
  cuda::synchronise(stream);
  for (int i = 0; i < 200; ++i) {
    const auto kernel_start = Clock::now();
    nothing(stream);
    cuda::synchronise(stream);
    round_trips.push_back(us_since(kernel_start));
    const auto graph_start = Clock::now();
    program.launch(stream);
    cuda::synchronise(stream);
    graph_round_trips.push_back(us_since(graph_start));
  }
  const auto overlapping = [](Stream s) {
    launch(do_nothing_overlapping, {.grid = {1}, .block = {32}, .overlap_previous = true, .stream = s});
  };
  return {{"stream_launch_us", in_stream},
          {"launch_and_wait_us", summarise(round_trips).median},
          {"graph_launch_and_wait_us", summarise(graph_round_trips).median},
          {"graph_node_us", stopwatch.in_graph(nothing).median},
          {"graph_node_overlapping_us", stopwatch.in_graph(overlapping).median},
          {"overlap_is_on", kernels::device_can_overlap_kernels() ? 1.0 : 0.0},
          {"empty_interval_us", stopwatch.empty_interval().median}};
}

}  // namespace

GpuCeilings measure_ceilings(Stopwatch& stopwatch, std::size_t l2_bytes, int sm_count) {
  std::size_t free = 0, total = 0;
  CUDA_CHECK(cudaMemGetInfo(&free, &total));
  const std::size_t large = std::min(std::size_t{1} << 30, free / 8) / 4096 * 4096;
  const std::size_t cached = std::max<std::size_t>(l2_bytes / 6, std::size_t{1} << 20) / 4096 * 4096;
  const double ours = conv2d_rate(stopwatch, sm_count);
  const double by_kernel = copy_rate(stopwatch, large, sm_count), by_driver = driver_copy_rate(stopwatch, large);
  const std::optional<double> vendor = vendor_matrix_rate(stopwatch);

  GpuCeilings c;
  c.copy_bytes = std::max(by_kernel, by_driver);
  c.l2_copy_bytes = copy_rate(stopwatch, cached, sm_count);
  c.fp32_flops = arithmetic_rate(stopwatch, sm_count, kernels::multiply_add_chains, kernels::multiply_add_flops);
  const double in_registers =
      arithmetic_rate(stopwatch, sm_count, kernels::multiply_matrix_chains, kernels::multiply_matrix_flops);
  c.fp16_flops = std::max({ours, in_registers, vendor.value_or(0)});
  c.details = {{"copy_by_kernel_bytes_per_s", by_kernel}, {"copy_by_driver_bytes_per_s", by_driver},
               {"l2_copy_bytes_per_s", c.l2_copy_bytes},  {"l2_copy_buffer_bytes", static_cast<double>(cached)},
               {"fp32_fma_flops_per_s", c.fp32_flops},    {"fp16_conv2d_1x1_flops_per_s", ours},
               {"fp16_mma_flops_per_s", in_registers}};
  if (vendor) c.details.emplace_back("fp16_cublas_flops_per_s", *vendor);
  for (auto& latency : launch_latencies(stopwatch)) c.details.push_back(std::move(latency));
  return c;
}

std::size_t l2_cache_bytes() {
  int device = 0, bytes = 0;
  CUDA_CHECK(cudaGetDevice(&device));
  CUDA_CHECK(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, device));
  return static_cast<std::size_t>(bytes);
}

void print(const GpuCeilings& c) {
  std::printf("copy %.0f GB/s, within L2 %.0f GB/s, fp32 %.1f TFLOP/s, fp16 matrix products %.0f TFLOP/s\n",
              c.copy_bytes / 1e9, c.l2_copy_bytes / 1e9, c.fp32_flops / 1e12, c.fp16_flops / 1e12);
  for (const auto& [name, value] : c.details) std::printf("  %-32s %.4g\n", name.c_str(), value);
  std::fflush(stdout);
}

}  // namespace giemsa::bench
