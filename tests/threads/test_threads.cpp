// Sixteen threads with a session each on one engine: one answer, and under ThreadSanitizer (preset tsan) no report.
// Their loops share the engine's pool.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "engine/giemsa.h"
#include "nets/selftest/built_in.h"
#include "tests/abi/image.h"
#include "tests/temporary_folder.h"

namespace giemsa {

namespace {

using test::image_of;

constexpr std::size_t thread_count = 16;

/// Narrow networks: what is tested are the threads.
struct OpenEngine {
  OpenEngine() {
    const std::string segmenter = (folder / "segmenter.safetensors").string();
    const std::string classifier = (folder / "classifier.safetensors").string();
    save_model(selftest::segmenter(), segmenter);
    save_model(selftest::classifier(), classifier);
    giemsa_engine_options options;
    GIEMSA_INIT(options);
    options.device = "cpu";
    options.threads = 3;
    options.segmenter.path = segmenter.c_str();
    options.classifier.path = classifier.c_str();
    REQUIRE_MESSAGE(giemsa_engine_open(&options, &handle) == GIEMSA_OK, giemsa_last_message());
  }
  ~OpenEngine() { giemsa_engine_close(handle); }
  OpenEngine(const OpenEngine&) = delete;
  OpenEngine& operator=(const OpenEngine&) = delete;

  test::TemporaryFolder folder;
  giemsa_engine* handle = nullptr;
};

/// The upper part of `frame`: another frame size, with fewer cells.
Frame cut(const Frame& frame, int height) {
  Frame part(frame.width, height);
  part.rgb.assign(frame.rgb.begin(), frame.rgb.begin() + static_cast<std::ptrdiff_t>(part.rgb.size()));
  return part;
}

/// Those with which the networks find their known cells.
giemsa_session_options session_options() {
  giemsa_session_options options;
  GIEMSA_INIT(options);
  options.min_area = selftest::options().min_area;
  return options;
}

struct Answer {
  giemsa_status status = GIEMSA_E_INTERNAL;
  std::vector<giemsa_cell> cells;
};

Answer identify(giemsa_session* session, const Frame& frame) {
  Answer answer;
  answer.cells.resize(64);
  std::size_t found = 0;
  const giemsa_image image = image_of(frame);
  answer.status = giemsa_identify(session, &image, answer.cells.data(), answer.cells.size(), &found);
  answer.cells.resize(found);
  return answer;
}

bool same(const Answer& a, const Answer& b) {
  return a.status == b.status && a.cells.size() == b.cells.size() &&
         std::memcmp(a.cells.data(), b.cells.data(), a.cells.size() * sizeof(giemsa_cell)) == 0;
}

/// doctest's checks are for one thread: others return whether all was well.
template <class Body>
std::size_t successes(const Body& body) {
  std::atomic<std::size_t> count = 0;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < thread_count; ++i) threads.emplace_back([&body, &count, i] { count += body(i) ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  return count;
}

}  // namespace

TEST_CASE("threads with a session each, which compile, compute, change sizes and close at the same time") {
  const OpenEngine engine;
  const Frame whole = selftest::picture();
  const std::array frames{whole, cut(whole, 100), cut(whole, 64)};
  std::array<Answer, frames.size()> expected;
  {
    const giemsa_session_options options = session_options();
    giemsa_session* session = nullptr;
    REQUIRE(giemsa_session_open(engine.handle, &options, &session) == GIEMSA_OK);
    for (std::size_t i = 0; i < frames.size(); ++i) expected[i] = identify(session, frames[i]);
    giemsa_session_close(session);
  }
  REQUIRE(expected[0].cells.size() == selftest::known_cells().size());
  const std::size_t right = successes([&](std::size_t thread) {
    giemsa_session_options options = session_options();
    options.max_sizes = 2;  // with three sizes, weights are packed and given up while others read theirs
    giemsa_session* session = nullptr;
    if (giemsa_session_open(engine.handle, &options, &session) != GIEMSA_OK) return false;
    bool all_right = true;
    for (std::size_t k = 0; k < 2 * frames.size(); ++k) {
      const std::size_t i = (thread + k) % frames.size();
      all_right = same(identify(session, frames[i]), expected[i]) && all_right;
      giemsa_memory memory;
      GIEMSA_INIT(memory);
      all_right = giemsa_engine_memory(engine.handle, &memory) == GIEMSA_OK && memory.sessions >= 1 && all_right;
    }
    giemsa_session_close(session);
    return all_right;
  });
  CHECK(right == thread_count);
  giemsa_memory memory;
  GIEMSA_INIT(memory);
  REQUIRE(giemsa_engine_memory(engine.handle, &memory) == GIEMSA_OK);
  CHECK(memory.sessions == 0);
  CHECK(memory.host_activations == 0);
}

TEST_CASE("failures, self-tests and cancellations on many threads at once") {
  const OpenEngine engine;
  const Frame frame = selftest::picture();
  const std::size_t right = successes([&](std::size_t thread) {
    if (thread % 4 == 0) return giemsa_selftest(engine.handle, nullptr, nullptr) == GIEMSA_OK;
    giemsa_session* session = nullptr;
    if (giemsa_session_open(engine.handle, nullptr, &session) != GIEMSA_OK) return false;
    giemsa_image image = image_of(frame);
    image.stride = static_cast<std::ptrdiff_t>(thread);
    std::size_t found = 0;
    bool all_right = giemsa_identify(session, &image, nullptr, 0, &found) == GIEMSA_E_ARGUMENT;
    const std::string said = giemsa_last_message();  // each thread has its own
    all_right = said.find("stride is " + std::to_string(thread) + " bytes") != std::string::npos && all_right;

    std::atomic<bool> done = false;
    std::thread canceller([&] {
      while (!done) {
        giemsa_session_cancel(session);
        std::this_thread::yield();
      }
    });
    const giemsa_status status = identify(session, frame).status;
    done = true;
    canceller.join();
    all_right = (status == GIEMSA_OK || status == GIEMSA_E_CANCELLED) && all_right;
    all_right = identify(session, frame).status == GIEMSA_OK && all_right;
    giemsa_session_close(session);
    return all_right;
  });
  CHECK(right == thread_count);
}

}  // namespace giemsa
