// Loops that threads share: each index once, scratch that nobody else uses, errors that come back, and nobody waiting
// for a thread that has not come.
#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

#include "kernels/cpu/parallel.h"
#include "tests/ops/threads.h"

namespace giemsa {

namespace {

using namespace kernels::cpu;

/// How often a loop called for each index.
class Calls {
 public:
  explicit Calls(std::int64_t count) : times_(static_cast<std::size_t>(count)) {}
  void note(std::int64_t i) { ++times_[static_cast<std::size_t>(i)]; }
  bool once_each() const {
    return std::ranges::all_of(times_, [](const std::atomic<int>& times) { return times == 1; });
  }

 private:
  std::vector<std::atomic<int>> times_;
};

constexpr std::array<std::int64_t, 6> counts{0, 1, 2, 7, 64, 1001};

/// An executor of a host, which calls in the order that it likes.
class Backwards final : public Executor {
 public:
  int threads() const noexcept override { return 3; }
  void run(int workers, SharedWork work) noexcept override {
    for (int worker = workers - 1; worker >= 0; --worker) work(worker);
  }
};

/// An executor whose other threads never come.
class Alone final : public Executor {
 public:
  int threads() const noexcept override { return 4; }
  void run(int, SharedWork work) noexcept override { work(0); }
};

void check_loops_in(Executor* executor) {
  const ExecutorScope scope(executor);
  for (const std::int64_t count : counts) {
    CAPTURE(count);
    Calls equal(count), chunked(count), with_scratch(count);
    parallel_for(count, [&](std::int64_t i) { equal.note(i); });
    parallel_for_dynamic(count, 3, [&](std::int64_t i) { chunked.note(i); });
    parallel_for_with_scratch(count, 2, [&](std::int64_t i, int) { with_scratch.note(i); });
    CHECK(equal.once_each());
    CHECK(chunked.once_each());
    CHECK(with_scratch.once_each());
  }
}

}  // namespace

TEST_CASE("loops call for each index once, on any number of threads") {
  for (const int threads : {1, 2, 5, 70}) {
    CAPTURE(threads);
    ThreadPool pool(threads);
    check_loops_in(&pool);
  }
}

TEST_CASE("loops call for each index once where a host runs them") {
  Backwards backwards;
  check_loops_in(&backwards);
  Alone alone;
  check_loops_in(&alone);
}

TEST_CASE("loops outside of any executor's scope run on the calling thread") {
  CHECK(max_threads() == 1);
  const auto self = std::this_thread::get_id();
  bool elsewhere = false;
  parallel_for(100, [&](std::int64_t) { elsewhere = elsewhere || std::this_thread::get_id() != self; });
  CHECK_FALSE(elsewhere);
  ThreadPool pool(3);
  {
    const ExecutorScope scope(&pool);
    CHECK(max_threads() == 3);
    {
      const ExecutorScope none(nullptr);
      CHECK(max_threads() == 1);
    }
    CHECK(max_threads() == 3);
  }
  CHECK(max_threads() == 1);
}

TEST_CASE("no two threads have a worker's number at once") {
  for (const int workers : {1, 2, 3, 9}) {
    CAPTURE(workers);
    ThreadPool pool(4);
    const ExecutorScope scope(&pool);
    std::array<std::atomic<int>, 4> inside{};
    std::atomic<bool> alone = true;
    parallel_for_with_scratch(2000, workers, [&](std::int64_t, int worker) {
      if (worker < 0 || worker >= std::min(workers, 4) || ++inside[static_cast<std::size_t>(worker)] != 1)
        alone = false;
      --inside[static_cast<std::size_t>(worker)];
    });
    CHECK(alone);
  }
}

TEST_CASE("all threads of a pool take part") {
  ThreadPool pool(4);
  const ExecutorScope scope(&pool);
  std::latch all(4);  // each call waits for three others, so that four threads are needed
  parallel_for_with_scratch(4, 4, [&](std::int64_t, int) { all.arrive_and_wait(); });
  CHECK(all.try_wait());
}

TEST_CASE("what a call throws comes back to the caller, and the pool is as good as before") {
  ThreadPool pool(3);
  const ExecutorScope scope(&pool);
  for (const std::int64_t bad : {0, 500, 999})
    CHECK_THROWS_WITH_AS(parallel_for(1000,
                                      [&](std::int64_t i) {
                                        if (i == bad) throw std::runtime_error("this one");
                                      }),
                         "this one", std::runtime_error);
  check_loops_in(&pool);
}

TEST_CASE("a loop waits for no thread that another loop holds up") {
  ThreadPool pool(2);  // a thread of its own, which the first loop takes
  std::latch taken(2), finished(1);
  std::thread first([&] {
    const ExecutorScope scope(&pool);
    parallel_for_dynamic(2, 1, [&](std::int64_t) {
      taken.count_down();
      finished.wait();
    });
  });
  taken.wait();
  check_loops_in(&pool);
  finished.count_down();
  first.join();
}

TEST_CASE("callers on many threads share a pool") {
  ThreadPool pool(3);
  std::atomic<int> right = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&] {
      const ExecutorScope scope(&pool);
      bool all = true;
      for (int round = 0; round < 50; ++round) {
        Calls calls(97);
        parallel_for_dynamic(97, 2, [&](std::int64_t i) { calls.note(i); });
        all = all && calls.once_each();
      }
      right += all ? 1 : 0;
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(right == 8);
}

TEST_CASE("threads of a pool take no signals of the host") {
  ThreadPool pool(2);
  const ExecutorScope scope(&pool);
  std::array<sigset_t, 2> blocked;
  std::latch both(2);
  parallel_for_with_scratch(2, 2, [&](std::int64_t, int worker) {
    both.arrive_and_wait();
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked[static_cast<std::size_t>(worker)]);
  });
  CHECK(sigismember(&blocked[0], SIGINT) == 0);
  CHECK(sigismember(&blocked[1], SIGINT) == 1);
}

}  // namespace giemsa
