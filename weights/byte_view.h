// Bounds-checked looks into bytes that nobody vouches for. Errors say what did not fit; the caller adds the file's
// name.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/check.h"

namespace giemsa {

static_assert(std::endian::native == std::endian::little, "model files are little-endian and are used in place");

using ByteView = std::span<const std::byte>;

/// `size` bytes from `offset`; throws ErrorKind::model, naming `what`, where they reach past the end.
inline ByteView slice(ByteView bytes, std::uint64_t offset, std::uint64_t size, std::string_view what) {
  check(offset <= bytes.size() && size <= bytes.size() - offset, ErrorKind::model, what, " of ", size,
        " bytes at byte ", offset, " reaches past the end at byte ", bytes.size());
  return bytes.subspan(offset, size);
}

/// The little-endian integer at `offset`; throws like slice().
template <std::integral T>
T read_le(ByteView bytes, std::uint64_t offset, std::string_view what) {
  T value;
  std::memcpy(&value, slice(bytes, offset, sizeof(T), what).data(), sizeof(T));
  return value;
}

inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// `text` in quotes, fit for one line of a terminal whatever it holds: control characters escaped, long texts clipped.
/// Not named `quoted`: for a std::string, argument-dependent lookup would prefer std::quoted, which escapes nothing.
inline std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 100;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "'";
  for (unsigned char c : text.substr(0, longest)) {
    if (c >= 0x20 && c != 0x7f) {
      result += static_cast<char>(c);
    } else {
      result += {'\\', 'x', digits[c >> 4], digits[c & 15]};
    }
  }
  return result + (text.size() > longest ? "...'" : "'");
}

}  // namespace giemsa
