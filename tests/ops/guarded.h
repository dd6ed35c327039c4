// A buffer between guard bands, poisoned so that a value never written shows (all ones: NaN, -1, 255).
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace giemsa::test {

template <class T>
class Guarded {
 public:
  explicit Guarded(std::int64_t count)
      : count_(static_cast<std::size_t>(count)), bytes_(band + size() + band, std::byte{0xff}) {
    std::fill_n(bytes_.begin(), band, guard);
    std::fill_n(bytes_.end() - band, band, guard);
  }
  explicit Guarded(std::span<const T> values) : Guarded(static_cast<std::int64_t>(values.size())) {
    if (!values.empty()) std::memcpy(data(), values.data(), size());
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { CHECK_MESSAGE(intact(), "something wrote outside a buffer of ", count_, " elements"); }

  T* data() { return reinterpret_cast<T*>(bytes_.data() + band); }
  std::span<T> values() { return {data(), count_}; }
  bool intact() const {
    const auto is_guard = [](std::byte byte) { return byte == guard; };
    return std::all_of(bytes_.begin(), bytes_.begin() + band, is_guard) &&
           std::all_of(bytes_.end() - band, bytes_.end(), is_guard);
  }

 private:
  static constexpr std::ptrdiff_t band = 256;
  static constexpr std::byte guard{0x5a};
  std::size_t size() const { return count_ * sizeof(T); }

  std::size_t count_;
  std::vector<std::byte> bytes_;
};

}  // namespace giemsa::test
