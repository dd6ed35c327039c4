// Threads of our own for the loops of kernels.
//
// Threads that several callers share: each caller always works on its own loop, and the pool's threads join whichever
// loop is open, so that N sessions on a pool of T threads occupy N + T - 1 threads, not N * T. Nobody waits for a
// thread that has not joined: where another program has the cores, the caller does the work alone, and a loop ends when
// those who took part of it are done. Between two loops a thread spins for a moment, then sleeps.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/cpu/executor.h"

namespace giemsa::kernels::cpu {

/// The cores that this process may use.
int usable_cores();

class ThreadPool final : public Executor {
 public:
  /// For loops on at most `threads` threads, the caller's included: the pool starts one less, when the first loop needs
  /// them, and each calls `at_start` first. They take no signals. Where the system has no more threads, loops run on
  /// those that there are.
  explicit ThreadPool(int threads, void (*at_start)() = nullptr) : threads_(threads), at_start_(at_start) {}
  ~ThreadPool() override;

  int threads() const noexcept override { return threads_; }
  void run(int workers, SharedWork work) noexcept override;

 private:
  /// A loop, on its caller's stack.
  struct Loop {
    SharedWork work;
    int workers;
    bool open = true;             // whether threads may still join
    std::atomic<int> joined = 0;  // threads that are in it, without its caller
    Loop* next = nullptr;         // of those that are open
  };

  void start() noexcept;
  void serve(int worker);
  Loop* joinable(int worker);
  void close(Loop& loop);

  const int threads_;
  void (*const at_start_)();
  std::once_flag started_;
  std::mutex mutex_;  // of all below
  std::condition_variable opened_, left_, started_one_;
  Loop* open_ = nullptr;
  std::atomic<std::uint64_t> openings_ = 0;  // counted, so that who spins notices without the lock
  int sleeping_ = 0, ready_ = 0;
  bool ending_ = false;
  std::vector<std::thread> pool_;
};

}  // namespace giemsa::kernels::cpu
