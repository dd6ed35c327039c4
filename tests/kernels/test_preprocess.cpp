#include "kernels/preprocess.h"

#include <doctest/doctest.h>

#include "tests/kernels/nhwc.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/cpu_kernels.h"
#include "tests/ops/random.h"
#include "tests/ops/resize_cases.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::PreprocessParams;
using kernels::ResampleAxis;

namespace {

/// Weights past an output's taps, which the CPU leaves unset, become 0.
std::vector<std::int32_t> weights_of(const cpu::ResizeAxis& axis) {
  std::vector<std::int32_t> weights(static_cast<std::size_t>(axis.out * axis.stride));
  for (std::int32_t i = 0; i < axis.out; ++i)
    std::copy_n(axis.weight + i * axis.stride, axis.count[i], weights.begin() + i * axis.stride);
  return weights;
}

/// One of the CPU's tables in device memory.
class DeviceAxis {
 public:
  explicit DeviceAxis(const cpu::ResizeAxis& axis)
      : axis_(axis),
        first_(std::span(axis.first, static_cast<std::size_t>(axis.out))),
        count_(std::span(axis.count, static_cast<std::size_t>(axis.out))),
        weight_(std::span<const std::int32_t>(weights_of(axis))) {}
  ResampleAxis get() { return {axis_.in, axis_.out, axis_.stride, first_.data(), count_.data(), weight_.data()}; }

 private:
  cpu::ResizeAxis axis_;
  DeviceBuffer<std::int32_t> first_, count_, weight_;
};

template <class T>
std::vector<T> run(const cpu::ResizePlan& plan, const Preprocess& op, const std::vector<std::uint8_t>& frame,
                   int stride) {
  DeviceAxis x(plan.x), y(plan.y);
  PreprocessParams params{
      .x = x.get(), .y = y.get(), .vertical_first = plan.vertical_first, .output_pixel_stride = stride};
  std::ranges::copy(op.mean, params.mean);
  std::ranges::copy(op.std, params.std);
  params.bgr = op.channels == ChannelOrder::bgr;
  DeviceBuffer<std::uint8_t> device_frame{std::span(frame)};
  DeviceBuffer<T> out(op.output.h * op.output.w * stride);
  kernels::preprocess(out.data(), device_frame.data(), params, nullptr);
  return out.values();
}

std::vector<float> on_cpu(const Preprocess& op, Size2 frame_size, const std::vector<std::uint8_t>& frame) {
  const cpu::Preprocessor preprocessor(cpu_params(op), cpu_extent(frame_size));
  std::vector<std::byte> scratch(preprocessor.scratch_bytes());
  std::vector<float> out(static_cast<std::size_t>(op.output.h * op.output.w * 3));
  preprocessor.run(frame.data(), out.data(), scratch);
  return out;
}

template <class T>
void check_case(const ResizeCase& c, ResizeFilter filter, ChannelOrder channels = ChannelOrder::rgb) {
  const std::vector<std::uint8_t> frame = Random(13).integers<std::uint8_t>(c.in.h * c.in.w * 3);
  const Preprocess op{.output = c.out, .filter = filter, .channels = channels};
  const std::vector<float> expected = on_cpu(op, c.in, frame);
  std::vector<std::byte> tables(cpu::resize_plan_bytes(cpu_extent(c.in), cpu_extent(c.out), cpu_filter(filter)));
  cpu::Scratch memory(tables);
  const cpu::ResizePlan plan = cpu::plan_resize(cpu_extent(c.in), cpu_extent(c.out), cpu_filter(filter), memory);
  for (const int stride : {3, 8}) {
    std::vector<float> padded_out;
    for (std::size_t pixel = 0; pixel < expected.size() / 3; ++pixel)
      for (std::size_t channel = 0; channel < static_cast<std::size_t>(stride); ++channel)
        padded_out.push_back(channel < 3 ? value_of(stored<T>(expected[pixel * 3 + channel])) : 0);
    in_all_thread_orders([&] {
      std::vector<float> actual;
      for (const T value : run<T>(plan, op, frame, stride)) actual.push_back(value_of(value));
      check_equal(actual, padded_out, cat("rerun: test_kernels -tc='preprocess equals*' -sc='", c.name, "'"));
    });
  }
}

}  // namespace

TEST_CASE("preprocess equals the CPU's, bit for bit: fp16 after rounding") {
  for (const ResizeCase& c : resize_cases) {
    SUBCASE(c.name) {
      for (const ResizeFilter filter : {ResizeFilter::bilinear, ResizeFilter::bicubic}) {
        check_case<float>(c, filter);
        check_case<Half>(c, filter);
      }
    }
  }
}

TEST_CASE("preprocess equals the CPU's for networks that take blue first") {
  check_case<float>(resize_cases[0], ResizeFilter::bilinear, ChannelOrder::bgr);
  check_case<Half>(resize_cases[0], ResizeFilter::bicubic, ChannelOrder::bgr);
}

TEST_CASE("preprocess takes smaller tiles where the second axis shrinks far") {
  for (const std::int64_t scale : {60, 200})  // 4 outputs per tile, and 1
    check_case<float>({"", {10 * scale, 4}, {10, 3}}, ResizeFilter::bilinear);
}

TEST_CASE("preprocess refuses what it cannot do") {
  const std::vector<std::int32_t> zeros(16);
  DeviceBuffer<std::int32_t> table{std::span(zeros)};
  DeviceBuffer<std::uint8_t> frame(64);
  DeviceBuffer<float> out(64);
  const ResampleAxis axis{4, 4, 3, table.data(), table.data(), table.data()};
  const PreprocessParams good{.x = axis, .y = axis};
  const auto refuses = [&](const PreprocessParams& p) {
    CHECK_THROWS_AS(kernels::preprocess(out.data(), frame.data(), p, nullptr), std::invalid_argument);
  };
  PreprocessParams p = good;
  p.output_pixel_stride = 2;
  refuses(p);
  p = good;
  p.x.in = 0;
  refuses(p);
  p = good;
  p.y.weight = nullptr;
  refuses(p);
  p = good;
  p.y.in = 4000;  // 1000 times: more than shared memory holds
  p.y.stride = 2001;
  refuses(p);
}

TEST_CASE("preprocess: cost counts frame and output once") {
  PreprocessParams p{.output_pixel_stride = 4};
  p.x.in = 20;
  p.x.out = 10;
  p.x.stride = 5;
  p.y.in = 12;
  p.y.out = 8;
  p.y.stride = 7;
  CHECK_EQ(kernels::cost(p, 2).bytes, 20 * 12 * 3 + 10 * 8 * 4 * 2);
  CHECK_EQ(kernels::cost(p, 2).flops, 3 * (2 * 5 * 12 * 10 + 2 * 7 * 8 * 10 + 3 * 8 * 10));
  p.vertical_first = true;
  CHECK_EQ(kernels::cost(p, 2).flops, 3 * (2 * 7 * 8 * 20 + 2 * 5 * 8 * 10 + 3 * 8 * 10));
}
