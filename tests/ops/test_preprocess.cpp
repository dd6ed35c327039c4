#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/ops/compare.h"
#include "tests/ops/cpu_kernels.h"
#include "tests/ops/crop_resize_cases.h"
#include "tests/ops/guarded.h"
#include "tests/ops/random.h"
#include "tests/ops/resize_cases.h"
#include "tests/ops/threads.h"
#include "tests/ref/crop.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

constexpr std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, deviation{0.229f, 0.224f, 0.225f};

ref::Picture random_picture(Size2 size) {
  ref::Picture picture(size);
  picture.rgb = Random(13).integers<std::uint8_t>(size.h * size.w * 3);
  return picture;
}

/// What u8 pixels become, in fp32 as torchvision computes it.
std::vector<float> normalised(const ref::Picture& picture, cpu::PixelLayout layout) {
  std::vector<float> out(picture.rgb.size());
  const auto [h, w] = picture.size;
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      for (std::int64_t c = 0; c < 3; ++c) {
        const auto channel = static_cast<std::size_t>(c);
        const auto at = layout == cpu::PixelLayout::planar ? (c * h + y) * w + x : (y * w + x) * 3 + c;
        out[static_cast<std::size_t>(at)] =
            (static_cast<float>(picture.at(y, x, c)) / 255.0f - mean[channel]) / deviation[channel];
      }
  return out;
}

std::vector<float> preprocessed(const Preprocess& op, const ref::Picture& in, cpu::PixelLayout layout) {
  const cpu::Preprocessor preprocessor(cpu_params(op), cpu_extent(in.size));
  Guarded<std::uint8_t> frame{std::span(in.rgb)};
  Guarded<std::byte> scratch(static_cast<std::int64_t>(preprocessor.scratch_bytes()));
  Guarded<float> out(3 * op.output.h * op.output.w);
  preprocessor.run(frame.data(), layout, out.data(), scratch.values());
  return {out.values().begin(), out.values().end()};
}

std::vector<float> cropped(const CropResize& op, const ref::Picture& in, std::span<const cpu::Box> boxes,
                           cpu::PixelLayout layout) {
  Guarded<std::uint8_t> frame{std::span(in.rgb)};
  Guarded<std::byte> scratch(
      static_cast<std::int64_t>(cpu::crop_resize_scratch_bytes(cpu_params(op), cpu_extent(in.size))));
  Guarded<float> out(static_cast<std::int64_t>(boxes.size()) * 3 * op.output.h * op.output.w);
  cpu::crop_resize(cpu_params(op), frame.data(), cpu_extent(in.size), boxes, layout, out.data(), scratch.values());
  return {out.values().begin(), out.values().end()};
}

/// Bilinear must match to the bit. Bicubic may differ by one level: see resize.h.
double tolerance_of(ResizeFilter filter) {
  return filter == ResizeFilter::bilinear ? 0.0 : 1.0 / 255.0 / 0.224 * 1.001;
}

}  // namespace

TEST_CASE("preprocess resizes and normalises") {
  for (const ResizeCase& c : resize_cases) {
    SUBCASE(c.name) {
      const ref::Picture in = random_picture(c.in);
      for (ResizeFilter filter : {ResizeFilter::bilinear, ResizeFilter::bicubic})
        for (cpu::PixelLayout layout : {cpu::PixelLayout::planar, cpu::PixelLayout::interleaved}) {
          const Preprocess op{c.out, filter, mean, deviation};
          check_close(
              preprocessed(op, in, layout), normalised(ref::resize(in, c.out, filter), layout),
              [=](std::size_t) { return tolerance_of(filter); }, rerun("preprocess resizes and normalises", c.name));
        }
    }
  }
}

TEST_CASE("preprocess and crop_resize give blue first where a network takes it so, each channel with its own mean") {
  const ref::Picture in = random_picture({31, 33});
  ref::Picture swapped = in;
  for (std::size_t i = 0; i < swapped.rgb.size(); i += 3) std::swap(swapped.rgb[i], swapped.rgb[i + 2]);
  Preprocess whole{{17, 19}, ResizeFilter::bilinear, mean, deviation};
  CropResize part{{17, 19}, CropMode::tight, ResizeFilter::bilinear, mean, deviation};
  const cpu::Box box{2, 3, 21, 22};
  for (const cpu::PixelLayout layout : {cpu::PixelLayout::planar, cpu::PixelLayout::interleaved}) {
    whole.channels = part.channels = ChannelOrder::rgb;
    const std::vector<float> expected = preprocessed(whole, swapped, layout);
    const std::vector<float> expected_part = cropped(part, swapped, std::span(&box, 1), layout);
    whole.channels = part.channels = ChannelOrder::bgr;
    CHECK_EQ(preprocessed(whole, in, layout), expected);
    CHECK_EQ(cropped(part, in, std::span(&box, 1), layout), expected_part);
  }
}

TEST_CASE("crop_resize resizes what is left of a box") {
  for (const CropCase& c : crop_cases) {
    SUBCASE(c.name) {
      const ref::Picture in = random_picture(c.frame);
      for (CropMode mode : {CropMode::tight, CropMode::matlab}) {
        const ref::Picture crop = ref::crop(in, c.box.x, c.box.y, c.box.w, c.box.h, mode);
        CHECK(crop.size == (mode == CropMode::tight ? c.tight : c.matlab));
        for (ResizeFilter filter : {ResizeFilter::bilinear, ResizeFilter::bicubic})
          for (cpu::PixelLayout layout : {cpu::PixelLayout::planar, cpu::PixelLayout::interleaved}) {
            const CropResize op{c.output, mode, filter, mean, deviation};
            check_close(
                cropped(op, in, std::span(&c.box, 1), layout), normalised(ref::resize(crop, c.output, filter), layout),
                [=](std::size_t) { return tolerance_of(filter); },
                rerun("crop_resize resizes what is left of a box", c.name));
          }
      }
    }
  }
}

TEST_CASE("crop_resize makes a batch, the same on any number of threads") {
  const ref::Picture in = random_picture({47, 61});
  const cpu::Box boxes[] = {{0, 0, 61, 47}, {5, 6, 7, 8}, {60, 46, 1, 1}};
  const CropResize op{{31, 33}, CropMode::tight, ResizeFilter::bilinear, mean, deviation};
  std::vector<float> one_by_one;
  for (const cpu::Box& box : boxes) {
    const std::vector<float> one = cropped(op, in, std::span(&box, 1), cpu::PixelLayout::planar);
    one_by_one.insert(one_by_one.end(), one.begin(), one.end());
  }
  with_thread_counts([&](int) { CHECK_EQ(cropped(op, in, boxes, cpu::PixelLayout::planar), one_by_one); });
  CHECK(cropped(op, in, {}, cpu::PixelLayout::planar).empty());
}

TEST_CASE("crop_resize refuses boxes without pixels") {
  for (const cpu::Box& box : {cpu::Box{3, 3, 0, 5}, cpu::Box{3, 3, 5, 0}, cpu::Box{33, 0, 4, 4}, cpu::Box{0, 31, 4, 4},
                              cpu::Box{-5, 0, 5, 5}, cpu::Box{3, 3, -1, 5}})
    CHECK_THROWS_AS(cpu::crop_of(box, false, {31, 33}), std::invalid_argument);
}

TEST_CASE("preprocess gives the same bits on any number of threads") {
  const ref::Picture in = random_picture({97, 131});
  const Preprocess op{{61, 67}, ResizeFilter::bicubic, mean, deviation};
  std::vector<float> first;
  with_thread_counts([&](int threads) {
    const std::vector<float> now = preprocessed(op, in, cpu::PixelLayout::planar);
    if (threads == 1) first = now;
    CHECK_EQ(now, first);
  });
}
