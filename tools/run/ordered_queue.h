// Hands items from threads to threads in the order of their indices, a few at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace giemsa {

template <class T>
class OrderedQueue {
 public:
  explicit OrderedQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Waits until fewer than `capacity` items lie between `index` and the one that is popped next. False, and `item` is
  /// dropped, where the queue is closed. Every index is pushed once.
  bool push(std::size_t index, T item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || index < next_ + capacity_; });
    if (closed_) return false;
    items_.emplace(index, std::move(item));
    changed_.notify_all();
    return true;
  }

  /// Waits for the item of the next index, which one of the callers gets. Once the queue is closed, the first that is there; nothing where it is
  /// empty.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || items_.contains(next_); });
    if (items_.empty()) return {};
    auto first = items_.extract(items_.begin());
    next_ = first.key() + 1;
    changed_.notify_all();
    return std::move(first.mapped());
  }

  /// No more is pushed; what is there can still be popped.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::size_t, T> items_;
  std::size_t next_ = 0;
  bool closed_ = false;
};

}  // namespace giemsa
