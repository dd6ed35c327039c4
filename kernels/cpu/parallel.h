// How kernels share work among threads. A kernel says what one row, tile or block of outputs takes, and these loops
// call it; each loop returns when all of its calls have. Where they run, executor.h says.
//
// Every worker has a share of neighbouring indices, the same from loop to loop, so that a layer finds in a core's cache
// what the layer before left there. It takes its share chunk by chunk, and then what is left of the others': a core
// that another program slows down holds the rest up by one chunk at most.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

#include "kernels/cpu/ceil_div.h"
#include "kernels/cpu/executor.h"

namespace giemsa::kernels::cpu {

/// The indices [0, count) of a loop, dealt out in chunks.
class Shares {
 public:
  Shares(std::int64_t count, int workers, std::int64_t chunk) : chunk_(chunk), shares_(std::min(workers, most)) {
    for (int i = 0; i < shares_; ++i) {
      remaining_[i].next.store(count * i / shares_, std::memory_order_relaxed);
      remaining_[i].end = count * (i + 1) / shares_;
    }
  }

  struct Chunk {
    std::int64_t begin, end;  ///< equal: nothing is left
  };

  Chunk take(int worker) {
    for (int i = 0; i < shares_; ++i) {
      Remaining& share = remaining_[(worker + i) % shares_];
      if (share.next.load(std::memory_order_relaxed) >= share.end) continue;
      const std::int64_t begin = share.next.fetch_add(chunk_, std::memory_order_relaxed);
      if (begin < share.end) return {begin, std::min(begin + chunk_, share.end)};
    }
    return {0, 0};
  }

 private:
  static constexpr int most = 64;
  struct alignas(64) Remaining {  // a cache line each: workers count in their own
    std::atomic<std::int64_t> next;
    std::int64_t end;
  };

  std::int64_t chunk_;
  int shares_;
  Remaining remaining_[most];
};

/// Calls body(i, worker) for i in [0, count), on at most `workers` threads, which take `chunk` neighbouring indices at
/// a time. `worker` in [0, workers) is the caller's own: it names the scratch that no other thread uses meanwhile.
/// Throws what one of the calls threw.
template <class Body>
void share_loop(std::int64_t count, int workers, std::int64_t chunk, const Body& body) {
  Executor* executor = current_executor();
  workers =
      executor ? static_cast<int>(std::min<std::int64_t>({workers, executor->threads(), ceil_div(count, chunk)})) : 1;
  if (workers <= 1) {
    for (std::int64_t i = 0; i < count; ++i) body(i, 0);
    return;
  }
  struct Loop {
    Shares shares;
    const Body& body;
    std::atomic<bool> failed = false;
    std::exception_ptr error = nullptr;
  } loop{Shares(count, workers, chunk), body};
  const auto take_part = [](void* self, int worker) noexcept {
    Loop& shared = *static_cast<Loop*>(self);
    try {
      for (auto part = shared.shares.take(worker); part.begin < part.end; part = shared.shares.take(worker))
        for (std::int64_t i = part.begin; i < part.end; ++i) shared.body(i, worker);
    } catch (...) {
      if (!shared.failed.exchange(true)) shared.error = std::current_exception();
    }
  };
  executor->run(workers, {take_part, &loop});
  if (loop.error) std::rethrow_exception(loop.error);
}

/// The most threads that a loop started here and now would run on.
inline int max_threads() {
  const Executor* executor = current_executor();
  return executor ? executor->threads() : 1;
}

/// Calls body(i) for i in [0, count): for many pieces of about equal length.
template <class Body>
void parallel_for(std::int64_t count, const Body& body) {
  const int workers = max_threads();
  share_loop(count, workers, std::max<std::int64_t>(1, count / (8 * workers)), [&](std::int64_t i, int) { body(i); });
}

/// The same, `chunk` indices at a time: for pieces that take so long that a worker should hold no more of them.
template <class Body>
void parallel_for_dynamic(std::int64_t count, std::int64_t chunk, const Body& body) {
  share_loop(count, max_threads(), chunk, [&](std::int64_t i, int) { body(i); });
}

/// Calls body(i, worker), index by index, on at most `workers` threads (see share_loop()).
template <class Body>
void parallel_for_with_scratch(std::int64_t count, int workers, const Body& body) {
  share_loop(count, workers, 1, body);
}

}  // namespace giemsa::kernels::cpu
