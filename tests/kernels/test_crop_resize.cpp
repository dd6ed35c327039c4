#include "kernels/crop_resize.h"

#include <doctest/doctest.h>

#include "tests/kernels/nhwc.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/cpu_kernels.h"
#include "tests/ops/crop_resize_cases.h"
#include "tests/ops/random.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::CropBox;
using kernels::CropFilter;
using kernels::CropResizeParams;

namespace {

constexpr kernels::cpu::Box unused{0, 0, 0, 0};

struct Batch {
  CropResize op;
  Size2 frame_size;
  std::vector<std::uint8_t> frame;
  std::vector<kernels::cpu::Box> boxes;
};

CropResizeParams params_of(const Batch& batch, int stride) {
  CropResizeParams params{
      .boxes = static_cast<int>(batch.boxes.size()),
      .frame = extent_of(batch.frame_size),
      .out = extent_of(batch.op.output),
      .grow = batch.op.mode == CropMode::matlab,
      .filter = batch.op.filter == ResizeFilter::bilinear ? CropFilter::bilinear : CropFilter::bicubic,
      .output_pixel_stride = stride};
  std::ranges::copy(batch.op.mean, params.mean);
  std::ranges::copy(batch.op.std, params.std);
  params.bgr = batch.op.channels == ChannelOrder::bgr;
  return params;
}

/// Three channels a pixel. Zeros for a box that the CPU refuses because no pixel is left of it.
std::vector<float> on_cpu(const Batch& batch) {
  std::vector<std::byte> scratch(cpu::crop_resize_scratch_bytes(cpu_params(batch.op), cpu_extent(batch.frame_size)));
  const auto picture = static_cast<std::size_t>(batch.op.output.h * batch.op.output.w * 3);
  std::vector<float> out(picture * batch.boxes.size());
  float* to = out.data();
  for (const kernels::cpu::Box& box : batch.boxes) {
    try {
      cpu::crop_resize(cpu_params(batch.op), batch.frame.data(), cpu_extent(batch.frame_size), std::span(&box, 1),
                       to, scratch);
    } catch (const std::invalid_argument&) {
    }
    to += picture;
  }
  return out;
}

template <class T>
std::vector<float> on_device(const Batch& batch, int stride) {
  const CropResizeParams params = params_of(batch, stride);
  std::vector<CropBox> boxes;
  for (const kernels::cpu::Box& box : batch.boxes) boxes.push_back({box.x, box.y, box.w, box.h});
  DeviceBuffer<std::uint8_t> frame{std::span(batch.frame)};
  DeviceBuffer<CropBox> device_boxes{std::span<const CropBox>(boxes)};
  DeviceBuffer<std::byte> workspace(static_cast<std::int64_t>(kernels::workspace_bytes(params)));
  DeviceBuffer<T> out(params.boxes * batch.op.output.h * batch.op.output.w * stride);
  kernels::crop_resize(out.data(), workspace.data(), frame.data(), device_boxes.data(), params, nullptr);
  std::vector<float> values;
  for (const T value : out.values()) values.push_back(value_of(value));
  return values;
}

template <class T>
void check_equals_cpu(const Batch& batch, std::span<const float> expected, int stride, const std::string& how) {
  std::vector<float> padded_out;
  for (std::size_t pixel = 0; pixel < expected.size() / 3; ++pixel)
    for (std::size_t channel = 0; channel < static_cast<std::size_t>(stride); ++channel)
      padded_out.push_back(channel < 3 ? value_of(stored<T>(expected[pixel * 3 + channel])) : 0);
  check_equal(on_device<T>(batch, stride), padded_out, cat(how, ", stride ", stride));
}

void check_equals_cpu(const Batch& batch, const std::string& how) {
  const std::vector<float> expected = on_cpu(batch);
  for (const int stride : {3, 4, 8}) {
    check_equals_cpu<float>(batch, expected, stride, cat(how, ", fp32"));
    check_equals_cpu<Half>(batch, expected, stride, cat(how, ", fp16"));
  }
}

template <class Check>
void for_each_variant(const Check& check) {
  for (const CropMode mode : {CropMode::tight, CropMode::matlab})
    for (const ResizeFilter filter : {ResizeFilter::bilinear, ResizeFilter::bicubic})
      check(mode, filter,
            cat(mode == CropMode::tight ? "tight" : "grown",
                filter == ResizeFilter::bilinear ? ", bilinear" : ", bicubic"));
}

std::vector<std::uint8_t> random_frame(Size2 size) {
  return Random(13).integers<std::uint8_t>(size.h * size.w * 3);
}

}  // namespace

TEST_CASE("crop_resize equals the CPU's, bit for bit: fp16 after rounding") {
  for (const CropCase& c : crop_cases) {
    SUBCASE(c.name) {
      for_each_variant([&](CropMode mode, ResizeFilter filter, const std::string& variant) {
        const Batch batch{{.output = c.output, .mode = mode, .filter = filter},
                          c.frame,
                          random_frame(c.frame),
                          {unused, c.box, unused}};
        in_all_thread_orders([&] {
          check_equals_cpu(batch, cat("rerun: test_kernels -tc='crop_resize equals*' -sc='", c.name, "'; ", variant));
        });
      });
    }
  }
}

// In one launch the axes' order differs from box to box, and so do the tables' sizes.
TEST_CASE("crop_resize takes boxes of all kinds in one batch") {
  const Size2 frame{53, 71};
  const std::vector<kernels::cpu::Box> boxes{
      {10, 5, 40, 3}, {5, 10, 3, 40},  unused,        {71, 0, 4, 4},  {0, 53, 4, 4},  {-5, 0, 5, 5},
      {0, -5, 5, 5},  {3, 3, -1, 5},   {3, 3, 5, -1}, {0, 0, 71, 53}, {70, 52, 1, 1}, {-9, -9, 1 << 30, 1 << 30},
      unused,         {20, 20, 17, 17}};
  for_each_variant([&](CropMode mode, ResizeFilter filter, const std::string& variant) {
    const Batch batch{{.output = {17, 35}, .mode = mode, .filter = filter}, frame, random_frame(frame), boxes};
    in_all_thread_orders([&] {
      check_equals_cpu(batch, cat("rerun: test_kernels -tc='crop_resize takes boxes of all kinds*'; ", variant));
    });
  });
}

TEST_CASE("crop_resize equals the CPU's on random sizes") {
  Random random(29);
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random.bits() % static_cast<unsigned>(high - low + 1));
  };
  for (int i = 0; i < 40; ++i) {
    const Size2 frame{between(1, 90), between(1, 90)}, output{between(1, 50), between(1, 50)};
    std::vector<kernels::cpu::Box> boxes;
    for (int box = 0; box < 4; ++box)
      boxes.push_back({between(-9, 80), between(-9, 80), between(0, 90), between(0, 90)});
    const CropMode mode = random.bits() % 2 ? CropMode::tight : CropMode::matlab;
    const ResizeFilter filter = i % 2 ? ResizeFilter::bilinear : ResizeFilter::bicubic;
    check_equals_cpu({{.output = output, .mode = mode, .filter = filter}, frame, random_frame(frame), boxes},
                     cat("rerun: test_kernels -tc='crop_resize equals the CPU*random*'; batch ", i, ", ", frame.h, "x",
                         frame.w, " to ", output.h, "x", output.w));
  }
}

// Thousands of taps an output; the bicubic window, 4 / 3 of the crop, takes in mirror images on both sides.
TEST_CASE("crop_resize equals the CPU's on long windows") {
  const Size2 frame{3, 5000};
  for_each_variant([&](CropMode mode, ResizeFilter filter, const std::string& variant) {
    check_equals_cpu(
        {{.output = {2, 3}, .mode = mode, .filter = filter}, frame, random_frame(frame), {{7, 0, 4987, 3}}},
        cat("rerun: test_kernels -tc='crop_resize equals the CPU*long windows'; ", variant));
  });
}

TEST_CASE("crop_resize: tables have room for the largest box, and no more") {
  CropResizeParams p{.boxes = 16, .frame = {8000, 12000}, .out = {224, 224}};
  // Windows of 2 ceil(12000 / 224) + 1 and 2 ceil(8000 / 224) + 1 samples, their first one and their number.
  CHECK_EQ(kernels::workspace_bytes(p), 4 * 16 * 224 * ((2 * 54 + 1 + 2) + (2 * 36 + 1 + 2)));
  p.filter = CropFilter::bicubic;  // ceil(4 * 12000 / 224) + 2
  CHECK_EQ(kernels::workspace_bytes(p), 4 * 16 * 224 * ((215 + 2 + 2) + (143 + 2 + 2)));
}

TEST_CASE("crop_resize refuses what it cannot do") {
  const CropResizeParams good{.frame = {4, 4}, .out = {4, 4}};
  DeviceBuffer<std::byte> workspace(static_cast<std::int64_t>(kernels::workspace_bytes(good)));
  DeviceBuffer<std::uint8_t> frame(64);
  DeviceBuffer<CropBox> box(1);
  DeviceBuffer<float> out(64);
  const auto refuses = [&](const CropResizeParams& p, int workspace_offset = 0) {
    CHECK_THROWS_AS(
        kernels::crop_resize(out.data(), workspace.data() + workspace_offset, frame.data(), box.data(), p, nullptr),
        std::invalid_argument);
  };
  refuses(good, 1);
  const auto refuses_with = [&](auto change) {
    CropResizeParams p = good;
    change(p);
    refuses(p);
  };
  refuses_with([](auto& p) { p.output_pixel_stride = 2; });
  refuses_with([](auto& p) { p.boxes = 0; });
  refuses_with([](auto& p) { p.boxes = 65536; });
  refuses_with([](auto& p) { p.frame.h = 0; });
  refuses_with([](auto& p) { p.frame.w = 1 << 28; });
  refuses_with([](auto& p) { p.out.w = 0; });
  refuses_with([](auto& p) { p.out.h = 65535 * 8 + 1; });
}

TEST_CASE("crop_resize: cost counts boxes as large as the pictures") {
  CropResizeParams p{.boxes = 3, .frame = {100, 100}, .out = {8, 10}, .output_pixel_stride = 4};
  CHECK_EQ(kernels::cost(p, 2).bytes, 3 * 80 * (3 + 4 * 2));
  CHECK_EQ(kernels::cost(p, 2).flops, 3 * 80 * 3 * (2 * 2 + 2 * 2 + 3));
  p.filter = CropFilter::bicubic;
  CHECK_EQ(kernels::cost(p, 2).flops, 3 * 80 * 3 * (2 * 4 + 2 * 4 + 3));
}
