#include "kernels/cpu/thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace giemsa::kernels::cpu {

namespace {

/// A guess at what a short serial layer takes; other values were not tried.
constexpr std::chrono::microseconds spin_time{50};

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/// Whether `done()` came true while spinning.
template <class Done>
bool spin_until(const Done& done) {
  const auto start = std::chrono::steady_clock::now();
  do
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      relax();
    }
  while (std::chrono::steady_clock::now() - start < spin_time);
  return done();
}

/// Blocks all signals on this thread, and on those that it starts, until it ends: handlers of the host run on threads
/// of the host.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

int usable_cores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));  // more than 1024 of them
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    ++openings_;
  }
  opened_.notify_all();
  for (std::thread& thread : pool_) thread.join();
}

void ThreadPool::start() noexcept {
  const SignalsBlocked blocked;
  try {
    for (int worker = 1; worker < threads_; ++worker) pool_.emplace_back([this, worker] { serve(worker); });
  } catch (const std::exception&) {
    // No more threads, or no memory for one: loops run on those that were started.
  }
  std::unique_lock lock(mutex_);
  started_one_.wait(lock, [this] { return ready_ == static_cast<int>(pool_.size()); });
}

void ThreadPool::run(int workers, SharedWork work) noexcept {
  std::call_once(started_, [this] { start(); });
  Loop loop{work, workers};
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    loop.next = std::exchange(open_, &loop);
    ++openings_;
    wake = sleeping_ > 0;
  }
  if (wake) opened_.notify_all();
  work(0);
  {
    const std::lock_guard lock(mutex_);
    close(loop);
  }
  // Who is in the loop counts itself out under the lock, and touches the loop no more.
  if (spin_until([&] { return loop.joined.load(std::memory_order_acquire) == 0; })) return;
  std::unique_lock lock(mutex_);
  left_.wait(lock, [&] { return loop.joined.load(std::memory_order_relaxed) == 0; });
}

ThreadPool::Loop* ThreadPool::joinable(int worker) {
  Loop* loop = open_;
  while (loop && worker >= loop->workers) loop = loop->next;
  return loop;
}

void ThreadPool::close(Loop& loop) {
  if (!loop.open) return;
  loop.open = false;
  Loop** link = &open_;
  while (*link != &loop) link = &(*link)->next;
  *link = loop.next;
}

void ThreadPool::serve(int worker) {
  pthread_setname_np(pthread_self(), ("giemsa-" + std::to_string(worker)).c_str());
  if (at_start_) at_start_();
  std::unique_lock lock(mutex_);
  ++ready_;
  started_one_.notify_one();
  while (!ending_) {
    if (Loop* loop = joinable(worker)) {
      loop->joined.fetch_add(1, std::memory_order_relaxed);
      lock.unlock();
      loop->work(worker);
      lock.lock();
      close(*loop);  // nothing is left of it, or this thread would not be here
      if (loop->joined.fetch_sub(1, std::memory_order_release) == 1) left_.notify_all();
      continue;
    }
    const std::uint64_t seen = openings_;
    lock.unlock();
    const bool opened = spin_until([&] { return openings_.load(std::memory_order_relaxed) != seen; });
    lock.lock();
    if (opened) continue;
    ++sleeping_;
    opened_.wait(lock, [&] { return openings_ != seen; });
    --sleeping_;
  }
}

}  // namespace giemsa::kernels::cpu
