#include <cmath>

#include "engine/base/check.h"
#include "engine/base/tensor.h"
#include "kernels/ladder/conv2d_ladder.h"
#include "tests/kernels/device_buffer.h"
#include "tests/ladder/cases.h"

namespace giemsa::ladder {

namespace {

using kernels::Conv2dInputs;
using kernels::Conv2dParams;
using kernels::Conv2dPlan;
using kernels::Half;
using test::DeviceBuffer;

constexpr int h100_multiprocessors = 132;

/// Small whole numbers: every sum of their products is exact in fp32, so that all orders of adding give the same bits.
std::vector<Half> whole_numbers(std::size_t count, std::uint32_t seed) {
  std::vector<Half> values(count);
  for (Half& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value.bits = f32_to_f16(static_cast<float>(static_cast<int>(seed >> 24) % 5 - 2));
  }
  return values;
}

Case count(std::string title, std::string shape, const Conv2dParams& p) {
  const auto size = [](auto count) { return static_cast<std::size_t>(count); };
  DeviceBuffer<Half> input{whole_numbers(size(p.in_h * p.in_w * p.in_channels), 1)};
  DeviceBuffer<Half> weight{whole_numbers(packed_weight_size(p), 2)};
  const Conv2dPlan plan = choose(p, h100_multiprocessors);
  DeviceBuffer<float> workspace(static_cast<std::int64_t>(workspace_bytes(p, plan) / sizeof(float)));

  Case result{std::move(title), std::move(shape), cost(p, 2).flops / 2, cost(p, 2).bytes, {}};
  std::vector<std::uint16_t> first;
  const auto add = [&](std::string name, std::string change, std::string detail, const auto& run) {
    DeviceBuffer<Half> output(std::int64_t{p.pixels()} * p.out_channels);
    const simt::Counting counting;
    run(output.data(), Conv2dInputs<Half>{input.data(), weight.data(), nullptr, nullptr});
    std::vector<std::uint16_t> bits;
    for (const Half value : output.values()) bits.push_back(value.bits);
    if (first.empty()) first = bits;
    check(bits == first, ErrorKind::internal, name, " gives another result than ", result.steps.front().name);
    result.steps.push_back({std::move(name), std::move(change), counting.sum(), std::move(detail)});
  };
  for (const kernels::Conv2dStep& step : kernels::conv2d_steps)
    add(step.name, step.change, "",
        [&](Half* output, const Conv2dInputs<Half>& inputs) { step.run(output, inputs, p, nullptr); });
  const char* const tiles[] = {"128x64x32", "64x64x32", "32x64x64"};
  add("product", "a tile for the size, K split among blocks",
      cat("tile ", tiles[static_cast<int>(plan.tile)], ", ", plan.splits, " splits: the plan for ",
          h100_multiprocessors, " multiprocessors"),
      [&](Half* output, const Conv2dInputs<Half>& inputs) {
        conv2d(output, workspace.data(), inputs, p, plan, nullptr);
      });
  return result;
}

}  // namespace

std::vector<Case> count_convolutions() {
  return {count("3x3 convolution, 64 to 64 channels, 14x14 pixels",
                "as in DeepLabv3+'s layer1 at 224x224, of whose 56x56 pixels a sixteenth",
                {.in_h = 14,
                 .in_w = 14,
                 .in_channels = 64,
                 .out_channels = 64,
                 .kernel = {3, 3},
                 .padding = {1, 1},
                 .input_pixel_stride = 64,
                 .output_pixel_stride = 64,
                 .relu = true})};
}

}  // namespace giemsa::ladder
