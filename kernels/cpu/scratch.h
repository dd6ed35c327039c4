// Scratch memory: the caller owns it, a kernel cuts it into pieces. No kernel allocates while it runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernels/cpu/require.h"

namespace giemsa::kernels::cpu {

constexpr std::size_t scratch_alignment = 64;  // a cache line, and the widest vector

/// Scratch bytes that `count` elements of T take, whatever the alignment of the memory they are cut from.
template <class T>
constexpr std::size_t scratch_bytes_of(std::int64_t count) {
  return static_cast<std::size_t>(count) * sizeof(T) + scratch_alignment;
}

/// Cuts aligned pieces off the caller's bytes, front to back.
class Scratch {
 public:
  explicit Scratch(std::span<std::byte> bytes) : next_(bytes.data()), left_(bytes.size()) {}

  /// `count` uninitialised elements of T. Throws std::invalid_argument where the scratch is too small.
  template <class T>
  T* take(std::int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    require(std::align(scratch_alignment, bytes, next_, left_) != nullptr, "the scratch memory is too small");
    T* piece = static_cast<T*>(next_);
    next_ = static_cast<std::byte*>(next_) + bytes;
    left_ -= bytes;
    return piece;
  }

 private:
  void* next_;
  std::size_t left_;
};

}  // namespace giemsa::kernels::cpu
