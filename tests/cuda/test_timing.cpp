// Times: of a session's layers, of the tuner's trials, and what they are held against.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "engine/cuda/backend.h"
#include "engine/cuda/ceilings.h"
#include "engine/cuda/trial.h"
#include "tests/engine/building.h"
#include "tests/engine/error_text.h"
#ifdef GIEMSA_SIMT
#include "tests/simt/runtime.h"
#endif

namespace giemsa {

namespace {

const Shape input_shape{1, 5, 9, 7};

std::unique_ptr<Session> small_session() {
  test::Net net;
  const ValueId a = net.conv("a", net.input("x", input_shape), test::square(8, 3), true);
  net.output(net.conv("b", net.relu("relu", a), test::square(7, 3)));
  return make_cuda_backend({.precision = DType::f16})->compile(net.graph);
}

std::vector<float> run_small_session(Session& session) {
  static const Tensor input = ref::random_tensor(input_shape, 7);
  const void* inputs[] = {input.bytes().data()};
  session.run(inputs);
  return {session.output<float>().begin(), session.output<float>().end()};
}

}  // namespace

TEST_CASE("the device times its layers within the run, whose result stays the same") {
  const auto session = small_session();
  const std::vector<float> expected = run_small_session(*session);
  session->time_layers(true);
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    CHECK(run_small_session(*session) == expected);
    const std::chrono::duration<double, std::milli> host = std::chrono::steady_clock::now() - start;
    const auto ms = session->layer_ms();
    REQUIRE(ms.size() == session->graph().nodes().size());
    for (const double layer : ms) CHECK(layer >= 0);
    const double total = std::accumulate(ms.begin(), ms.end(), 0.0);
    CHECK(total > 0);
    CHECK(total <= host.count());
  }
  session->time_layers(false);
  CHECK(run_small_session(*session) == expected);
  CHECK(session->layer_ms().empty());
}

TEST_CASE("layers are timed by the host's clock where each is waited for or looked at") {
  int seen = 0;
  bool observed = false;
  SUBCASE("GIEMSA_SYNC") {
    setenv("GIEMSA_SYNC", "1", 1);
  }
  SUBCASE("an observer") {
    observed = true;
  }
  const auto session = small_session();
  unsetenv("GIEMSA_SYNC");
  if (observed) session->observe([&](const Value&, const Tensor&) { ++seen; });
  session->time_layers(true);
  run_small_session(*session);
  const auto ms = session->layer_ms();
  CHECK(std::accumulate(ms.begin(), ms.end(), 0.0) > 0);
  CHECK((seen > 0) == observed);
}

TEST_CASE("ceilings are measured, and their memory is given back") {
  const cuda::DeviceFacts gpu = cuda::open_gpu(0);
  const cuda::CeilingsEffort little{.copied_bytes = 1 << 14, .steps = 8, .samples = 2};
#ifdef GIEMSA_SIMT
  const std::int64_t before = simt::device_bytes(), first = simt::fallible_calls();
#endif
  const DeviceCeilings most = cuda::measure_ceilings(gpu, little);
  for (const double rate : {most.fp32_flops, most.fp16_flops, most.copy_bytes}) {
    CHECK(rate > 0);
    CHECK(std::isfinite(rate));
  }
#ifdef GIEMSA_SIMT
  CHECK(simt::device_bytes() == before);
  simt::fail_call(simt::fallible_calls() - first);
  const std::string why = test::error_of(ErrorKind::device, [&] { (void)cuda::measure_ceilings(gpu, little); });
  simt::fail_call(0);
  CHECK(why.starts_with("the GPU's ceilings: "));
  CHECK(simt::device_bytes() == before);
#endif
}

TEST_CASE("a trial's copies are equal, apart and aligned") {
  const cuda::OwnedStream stream;
  const std::vector<float> values{3, 1, 4, 1, 5};
  const cuda::Copies copies(values, 4, stream.get());
  for (int i = 0; i < 4; ++i) {
    std::vector<float> found(values.size());
    cuda::copy(found.data(), copies.at(i), found.size() * sizeof(float), stream.get());
    cuda::synchronise(stream.get());
    CHECK(found == values);
    CHECK(reinterpret_cast<std::uintptr_t>(copies.at(i)) % 256 == 0);
    if (i > 0) CHECK(static_cast<std::byte*>(copies.at(i)) - static_cast<std::byte*>(copies.at(i - 1)) == 256);
  }
}

TEST_CASE("a trial's runs are numbered: an untimed one, then each with weights of its own") {
  (void)cuda::open_gpu(0);
  constexpr int runs = 3, rounds = 2;
  const cuda::OwnedStream stream;
  std::vector<int> first, second, both;
  const std::vector<cuda::TimedLaunch> launches{
      [&](cuda::Stream, int run) { first.push_back(run), both.push_back(1); },
      [&](cuda::Stream, int run) { second.push_back(run), both.push_back(2); }};
  const std::vector<double> us = cuda::median_us(launches, runs, rounds, 1 << 12, stream.get());
  REQUIRE(us.size() == 2);
  for (const double time : us) CHECK(time >= 0);
  std::vector<int> numbers(cuda::copies_for(runs));
  std::iota(numbers.begin(), numbers.end(), 0);
#ifdef GIEMSA_SIMT  // which replays by recording once more
  std::vector<int> twice = numbers, turns;
  twice.insert(twice.end(), numbers.begin(), numbers.end());
  CHECK(first == twice);
  CHECK(second == twice);
  for (int round = 0; round < rounds; ++round)
    for (const int which : {1, 2}) turns.insert(turns.end(), numbers.size(), which);
  CHECK(both == turns);
#else
  CHECK(first == numbers);
  CHECK(second == numbers);
#endif
}

#ifdef GIEMSA_SIMT

TEST_CASE("however many layers are timed, the host waits once") {
  const auto session = small_session();
  session->time_layers(true);
  const std::int64_t before = simt::waits();
  run_small_session(*session);
  CHECK(simt::waits() == before + 1);
}

TEST_CASE("each call to CUDA's runtime may fail while layers are timed, and the next run is right") {
  const auto session = small_session();
  const std::vector<float> expected = run_small_session(*session);
  session->time_layers(true);
  const std::int64_t first = simt::fallible_calls();
  run_small_session(*session);
  const std::int64_t calls = simt::fallible_calls() - first;
  REQUIRE(calls > 5);
  for (std::int64_t n = 1; n <= calls; ++n) {
    CAPTURE(n);
    const auto fresh = small_session();
    fresh->time_layers(true);
    simt::fail_call(n);
    CHECK_THROWS_AS(run_small_session(*fresh), Error);
    simt::fail_call(0);
    CHECK(run_small_session(*fresh) == expected);
  }
}

#endif

}  // namespace giemsa
