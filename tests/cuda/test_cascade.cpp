// The whole way of an image on the CUDA backend against the CPU's: regions found in a drawn mask, so that their number
// is known, and something computed of each.
#include <doctest/doctest.h>

#include "engine/cpu/backend.h"
#include "tests/cuda/squares.h"
#include "tests/engine/error_text.h"

namespace giemsa {

using test::check_same;
using test::gpu;
using test::graphs_for;
using test::run;
using test::squares;
using Result = test::CascadeResult;

TEST_CASE("any number of regions, in batches that the device or the host starts") {
  // 0, each batch size, each remainder that a smaller batch takes, several batches of 16, more than one copy brings.
  const Size2 frame{96, 168};
  const CascadeGraphs graphs = graphs_for(frame, frame, 9);
  const auto on_cpu = make_cpu_backend({.threads = 1})->compile(graphs);
  const auto loops = gpu(DType::f32, true)->compile(graphs), host = gpu(DType::f32, false)->compile(graphs);
  const auto half = gpu(DType::f16, true)->compile(graphs);
  for (const int count : {21, 0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 40, 330}) {
    CAPTURE(count);
    const std::vector<std::uint8_t> image = squares(frame, count, 3, count > 40 ? 6 : 12);
    const Result expected = run(*on_cpu, image);
    REQUIRE(expected.regions.size() == static_cast<std::size_t>(count));
    const Result by_device = run(*loops, image);
    check_same(by_device, expected, frame, image, DType::f32);
    CHECK(run(*host, image).values == by_device.values);
    check_same(run(*half, image), expected, frame, image, DType::f16);
  }
}

TEST_CASE("regions told apart at the network's resolution") {
  const Size2 frame{57, 83};
  for (const Size2 mask : {Size2{24, 40}, Size2{100, 90}}) {
    CAPTURE(mask.h);
    const CascadeGraphs graphs = graphs_for(frame, mask, 4);
    const std::vector<std::uint8_t> image = squares(frame, 7, 9, 17);
    const Result expected = run(*make_cpu_backend({.threads = 1})->compile(graphs), image);
    REQUIRE(expected.regions.size() == 7);
    check_same(run(*gpu(DType::f32, true)->compile(graphs), image), expected, frame, image, DType::f32);
  }
}

TEST_CASE("the portable cascade on the GPU's sessions gives the same") {
  const Size2 frame{40, 60};
  const CascadeGraphs graphs = graphs_for(frame, frame, 9);
  const std::vector<std::uint8_t> image = squares(frame, 6, 5, 12);
  const auto backend = gpu(DType::f32, true);
  const Result expected = run(*backend->compile(graphs), image);
  const Result portable = run(*make_session_cascade(*backend, graphs), image);
  CHECK(portable.regions == expected.regions);
  CHECK(portable.labels == expected.labels);
  CHECK(portable.values == expected.values);  // a sample's result does not depend on its batch
}

TEST_CASE("the same image gives the same bits, whatever came before") {
  const Size2 frame{40, 60};
  const auto cascade = gpu(DType::f16, true)->compile(graphs_for(frame, frame, 9));
  const std::vector<std::uint8_t> image = squares(frame, 6, 5, 12), other = squares(frame, 11, 4, 10);
  const Result first = run(*cascade, image);
  run(*cascade, other);
  const Result again = run(*cascade, image);
  CHECK(again.values == first.values);
  CHECK(again.labels == first.labels);
}

TEST_CASE("a layer that the GPU has no kernel for is named") {
  Graph graph;
  const ValueId mask = graph.input("mask", {DType::u8, {1, 1, 8, 8}});
  graph.mark_output(graph.add("holes", FillHoles{}, {mask}));
  CHECK(test::contains(test::error_of(ErrorKind::model, [&] { (void)gpu(DType::f32, true)->compile(graph); }),
                       "layer holes"));
  CudaOptions bf16;
  bf16.precision = DType::bf16;
  CHECK(test::contains(test::error_of(ErrorKind::usage, [&] { (void)make_cuda_backend(bf16); }), "bf16"));
  CudaOptions third;
  third.index = 2;
  CHECK(test::contains(test::error_of(ErrorKind::device, [&] { (void)make_cuda_backend(third); }), "no GPU 2"));
}

}  // namespace giemsa
