// Frames that lie in the GPU's memory already: what comes out is what the same pixels in the host's memory give.
#include <doctest/doctest.h>

#include "engine/cuda/runtime.h"
#include "tests/cuda/squares.h"
#include "tests/engine/error_text.h"

namespace giemsa {

using test::contains;
using test::error_of;
using test::gpu;
using test::graphs_for;
using test::run;
using test::squares;

namespace {

constexpr Size2 frame{40, 61};
constexpr std::size_t row_bytes = 61 * 3;

/// The pixels on the GPU, rows `stride` bytes apart, what lies between them anything but dark.
cuda::DeviceMemory on_gpu(const std::vector<std::uint8_t>& rgb, std::size_t stride) {
  std::vector<std::uint8_t> padded(stride * frame.h, 250);
  for (std::size_t y = 0; y < static_cast<std::size_t>(frame.h); ++y)
    std::copy_n(rgb.begin() + static_cast<std::ptrdiff_t>(y * row_bytes), row_bytes,
                padded.begin() + static_cast<std::ptrdiff_t>(y * stride));
  cuda::DeviceMemory memory = cuda::device_memory(padded.size());
  const cuda::OwnedStream stream;
  cuda::copy(memory.get(), padded.data(), padded.size(), stream.get());
  cuda::synchronise(stream.get());
  return memory;
}

}  // namespace

TEST_CASE("a frame on the GPU gives what the same frame in the host's memory gives") {
  const std::vector<std::uint8_t> image = squares(frame, 9, 5, 12);
  for (const bool loops : {true, false}) {
    const auto cascade = gpu(DType::f16, loops)->compile(graphs_for(frame, frame, 9));
    const test::CascadeResult expected = run(*cascade, image);
    REQUIRE(expected.regions.size() == 9);
    for (const std::size_t stride : {row_bytes, row_bytes + 1, std::size_t{256}}) {
      CAPTURE(stride);
      run(*cascade, std::vector<std::uint8_t>(image.size(), 250));  // nothing of the last run is left
      const cuda::DeviceMemory memory = on_gpu(image, stride);
      const cuda::OwnedStream camera;
      cascade->run({static_cast<const std::uint8_t*>(memory.get()), stride, camera.get()});
      std::vector<std::uint16_t> labels(expected.labels.size());
      cascade->copy_labels(labels);
      CHECK(labels == expected.labels);
      CHECK(std::ranges::equal(cascade->regions(), expected.regions));
      CHECK(std::ranges::equal(cascade->values(), expected.values));
    }
  }
}

TEST_CASE("a frame that the GPU cannot read is refused, and the next one is right") {
  const auto backend = gpu(DType::f32, true);
  const CascadeGraphs graphs = graphs_for(frame, frame, 9);
  const auto cascade = backend->compile(graphs);
  const std::vector<std::uint8_t> image = squares(frame, 4, 5, 12);
  const test::CascadeResult expected = run(*cascade, image);
  const std::string why = error_of(ErrorKind::usage, [&] { cascade->run({image.data(), row_bytes, nullptr}); });
  CHECK(why == "the frame's pixels are not in the memory of GPU 0");
  CHECK(cascade->regions().empty());
  CHECK(run(*cascade, image).values == expected.values);

  const cuda::DeviceMemory memory = on_gpu(image, row_bytes);
  const FramePixels there{static_cast<const std::uint8_t*>(memory.get()), row_bytes, nullptr};
  const auto portable = make_session_cascade(*backend, graphs), on_cpu = make_cpu_backend()->compile(graphs);
  for (Cascade* other : {portable.get(), on_cpu.get()})
    CHECK(contains(error_of(ErrorKind::usage, [&] { other->run(there); }), "and nowhere else"));
}

}  // namespace giemsa
