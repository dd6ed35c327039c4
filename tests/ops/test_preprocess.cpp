// What the contracts of Preprocess and CropResize (tests/contract) leave to the kernels: batches, threads, guard bands
// and refusals.
#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/ops/cpu_kernels.h"
#include "tests/ops/guarded.h"
#include "tests/ops/random_picture.h"
#include "tests/ops/threads.h"
#include "tests/ref/resize.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

constexpr std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, deviation{0.229f, 0.224f, 0.225f};

std::vector<float> preprocessed(const Preprocess& op, const ref::Picture& in) {
  const cpu::Preprocessor preprocessor(cpu_params(op), cpu_extent(in.size));
  Guarded<std::uint8_t> frame{std::span(in.rgb)};
  Guarded<std::byte> scratch(static_cast<std::int64_t>(preprocessor.scratch_bytes()));
  Guarded<float> out(3 * op.output.h * op.output.w);
  preprocessor.run(frame.data(), out.data(), scratch.values());
  return {out.values().begin(), out.values().end()};
}

std::vector<float> cropped(const CropResize& op, const ref::Picture& in, std::span<const cpu::Box> boxes) {
  Guarded<std::uint8_t> frame{std::span(in.rgb)};
  Guarded<std::byte> scratch(
      static_cast<std::int64_t>(cpu::crop_resize_scratch_bytes(cpu_params(op), cpu_extent(in.size))));
  Guarded<float> out(static_cast<std::int64_t>(boxes.size()) * 3 * op.output.h * op.output.w);
  cpu::crop_resize(cpu_params(op), frame.data(), cpu_extent(in.size), boxes, out.data(), scratch.values());
  return {out.values().begin(), out.values().end()};
}

}  // namespace

TEST_CASE("crop_resize makes a batch, the same on any number of threads") {
  const ref::Picture in = random_picture({47, 61}, 13);
  const cpu::Box boxes[] = {{0, 0, 61, 47}, {5, 6, 7, 8}, {60, 46, 1, 1}};
  const CropResize op{{31, 33}, CropMode::tight, ResizeFilter::bilinear, mean, deviation};
  std::vector<float> one_by_one;
  for (const cpu::Box& box : boxes) {
    const std::vector<float> one = cropped(op, in, std::span(&box, 1));
    one_by_one.insert(one_by_one.end(), one.begin(), one.end());
  }
  with_thread_counts([&](int) { CHECK_EQ(cropped(op, in, boxes), one_by_one); });
  CHECK(cropped(op, in, {}).empty());
}

TEST_CASE("crop_resize refuses boxes without pixels") {
  for (const cpu::Box& box : {cpu::Box{3, 3, 0, 5}, cpu::Box{3, 3, 5, 0}, cpu::Box{33, 0, 4, 4}, cpu::Box{0, 31, 4, 4},
                              cpu::Box{-5, 0, 5, 5}, cpu::Box{3, 3, -1, 5}})
    CHECK_THROWS_AS(cpu::crop_of(box, false, {31, 33}), std::invalid_argument);
}

TEST_CASE("preprocess gives the same bits on any number of threads") {
  const ref::Picture in = random_picture({97, 131}, 13);
  const Preprocess op{{61, 67}, ResizeFilter::bicubic, mean, deviation};
  std::vector<float> first;
  with_thread_counts([&](int threads) {
    const std::vector<float> now = preprocessed(op, in);
    if (threads == 1) first = now;
    CHECK_EQ(now, first);
  });
}
