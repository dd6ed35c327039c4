// Who runs the loops of kernels: threads of our own (thread_pool.h), or those of the program that embeds the engine.
#pragma once

namespace giemsa::kernels::cpu {

/// Work that several threads share: each calls it once, and it returns when nothing is left that it could take.
struct SharedWork {
  void (*call)(void* self, int worker) noexcept;
  void* self;

  void operator()(int worker) const noexcept { call(self, worker); }
};

class Executor {
 public:
  virtual ~Executor() = default;

  /// The most threads that share a loop, the caller's included.
  virtual int threads() const noexcept = 0;

  /// Calls work(0), and work(i) for some or all other i < workers, on any threads, also at the same time; returns when
  /// all of these calls have. A thread that could join only when nothing is left need not be waited for.
  virtual void run(int workers, SharedWork work) noexcept = 0;
};

/// The executor of the loops that this thread starts; null, as on every thread at first: they run on it alone.
Executor* current_executor() noexcept;

/// Makes `executor`, which must outlive the scope, the current one of this thread until the scope ends.
class ExecutorScope {
 public:
  explicit ExecutorScope(Executor* executor) noexcept;
  ~ExecutorScope();
  ExecutorScope(const ExecutorScope&) = delete;
  ExecutorScope& operator=(const ExecutorScope&) = delete;

 private:
  Executor* before_;
};

}  // namespace giemsa::kernels::cpu
