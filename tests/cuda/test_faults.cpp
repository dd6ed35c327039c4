// Every call that may fail on a GPU does so in turn. For the emulator only: tests/simt/runtime.h makes the faults.
#ifdef GIEMSA_SIMT
#include <cstring>

#include "engine/cuda/runtime.h"
#include "tests/cuda/squares.h"
#include "tests/engine/error_text.h"
#include "tests/simt/runtime.h"

namespace giemsa {

using test::gpu;
using test::graphs_for;
using test::run;
using test::squares;
using Result = test::CascadeResult;

TEST_CASE("each call to CUDA's runtime may fail: an error, nothing leaked, and the next run is right") {
  const Size2 frame{32, 40};
  const CascadeGraphs graphs = graphs_for(frame, frame, 9);
  const std::vector<std::uint8_t> image = squares(frame, 3, 4, 10);
  const std::int64_t before = simt::device_bytes();

  Result expected;
  for (const char* provider : {"cudnn", "cublas", "own"}) {
    CAPTURE(provider);
    const auto work = [&](std::int64_t failing) {
      simt::fail_call(failing);
      Result result;
      const auto backend = gpu(DType::f32, true, provider);
      const auto cascade = backend->compile(graphs);
      result = run(*cascade, image);
      simt::fail_call(0);
      return result;
    };
    const std::int64_t first_call = simt::fallible_calls();
    expected = work(0);
    const std::int64_t calls = simt::fallible_calls() - first_call;
    REQUIRE(calls > 20);
    for (std::int64_t n = 1; n <= calls; ++n) {
      CAPTURE(n);
      CHECK(test::contains(test::error_of(ErrorKind::device, [&] { (void)work(n); }), "made for a test"));
      CHECK(simt::device_bytes() == before);
    }
    simt::fail_call(0);
  }

  // A cascade whose run failed goes on.
  const auto cascade = gpu(DType::f32, true)->compile(graphs);
  run(*cascade, image);
  const std::int64_t start = simt::fallible_calls();
  run(*cascade, image);
  const std::int64_t calls_of_run = simt::fallible_calls() - start;
  for (std::int64_t n = 1; n <= calls_of_run; ++n) {
    CAPTURE(n);
    simt::fail_call(n);
    CHECK_THROWS_AS(cascade->run(image.data()), Error);
    CHECK(cascade->regions().empty());
    simt::fail_call(0);
    CHECK(run(*cascade, image).values == expected.values);
  }
}

TEST_CASE("a call that fails while a frame on the GPU is read leaves no results, and the next run is right") {
  const Size2 frame{24, 30};
  const auto cascade = gpu(DType::f32, true)->compile(graphs_for(frame, frame, 9));
  const std::vector<std::uint8_t> image = squares(frame, 2, 5, 12);
  const cuda::DeviceMemory memory = cuda::device_memory(image.size());
  std::memcpy(memory.get(), image.data(), image.size());
  const FramePixels pixels{static_cast<const std::uint8_t*>(memory.get()), static_cast<std::size_t>(frame.w) * 3,
                           nullptr};
  const std::int64_t start = simt::fallible_calls();
  cascade->run(pixels);
  const std::int64_t calls = simt::fallible_calls() - start;
  REQUIRE(calls > 4);
  for (std::int64_t n = 1; n <= calls; ++n) {
    CAPTURE(n);
    simt::fail_call(n);
    CHECK_THROWS_AS(cascade->run(pixels), Error);
    CHECK(cascade->regions().empty());
    simt::fail_call(0);
    cascade->run(pixels);
    CHECK(cascade->regions().size() == 2);
  }
}

}  // namespace giemsa
#endif
