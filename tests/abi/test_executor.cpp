// The host's threads: what an engine computes on them, and what it refuses.
#include <atomic>
#include <thread>

#include "tests/abi/support.h"

namespace giemsa::test {

namespace {

/// A host that counts what it is asked for, and calls for the last worker first.
struct Host {
  std::uint32_t workers;
  std::atomic<int> loops = 0, calls = 0;
  std::uint32_t largest = 0;

  static void parallel_for(void* user, std::uint32_t count, void (*task)(void*, std::uint32_t), void* context) {
    Host& host = *static_cast<Host*>(user);
    ++host.loops;
    host.largest = std::max(host.largest, count);
    for (std::uint32_t i = count; i-- > 0; ++host.calls) task(context, i);
  }

  /// Threads that exist for one loop.
  static void parallel_for_on_threads(void* user, std::uint32_t count, void (*task)(void*, std::uint32_t),
                                      void* context) {
    ++static_cast<Host*>(user)->loops;
    std::vector<std::thread> threads;
    for (std::uint32_t i = 1; i < count; ++i) threads.emplace_back(task, context, i);
    task(context, 0);
    for (std::thread& thread : threads) thread.join();
  }

  giemsa_executor executor(decltype(&Host::parallel_for) how) {
    giemsa_executor out;
    GIEMSA_INIT(out);
    out.workers = workers;
    out.user = this;
    out.parallel_for = how;
    return out;
  }
};

std::vector<giemsa_cell> cells_with(const giemsa_executor& executor) {
  giemsa_engine_options options = cpu_options();
  options.executor = &executor;
  Engine engine;
  REQUIRE_MESSAGE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK, giemsa_last_message());
  CHECK(std::string(giemsa_engine_device(engine.handle)).find(std::to_string(executor.workers) + " threads") !=
        std::string::npos);
  Session session;
  REQUIRE(giemsa_session_open(engine.handle, nullptr, &session.handle) == GIEMSA_OK);
  return identify(session.handle, image_of(smear()));
}

}  // namespace

TEST_CASE("an engine computes on the host's threads what it computes on its own") {
  Session own;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &own.handle) == GIEMSA_OK);
  const auto expected = identify(own.handle, image_of(smear()));
  REQUIRE(!expected.empty());

  Host in_turn{3};
  CHECK(same(cells_with(in_turn.executor(Host::parallel_for)), expected));
  CHECK(in_turn.loops > 100);
  CHECK(in_turn.largest == 3);

  Host threads{2};
  CHECK(same(cells_with(threads.executor(Host::parallel_for_on_threads)), expected));
  CHECK(threads.loops > 100);
}

TEST_CASE("an executor that cannot be used is refused") {
  Host host{2};
  giemsa_executor executor = host.executor(Host::parallel_for);
  const auto refusal = [&](std::uint32_t threads) -> std::string {
    giemsa_engine_options options = cpu_options();
    options.executor = &executor;
    options.threads = threads;
    giemsa_engine* engine = nullptr;
    CHECK(giemsa_engine_open(&options, &engine) == GIEMSA_E_ARGUMENT);
    CHECK(engine == nullptr);
    return giemsa_last_message();
  };
  CHECK(refusal(2) == "options.threads is 2, but the threads are those of options.executor");
  executor.workers = 0;
  CHECK(refusal(0) == "options.executor has 0 workers, not 1 to 1024");
  executor.workers = 1025;
  CHECK(refusal(0) == "options.executor has 1025 workers, not 1 to 1024");
  executor = host.executor(nullptr);
  CHECK(refusal(0) == "options.executor has no parallel_for");
  executor = host.executor(Host::parallel_for);
  executor.struct_size = 0;
  CHECK(refusal(0) == "options.executor.struct_size is 0; set it by GIEMSA_INIT");
}

}  // namespace giemsa::test
