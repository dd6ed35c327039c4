// Bounds-checked access to the bytes of an untrusted file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/base/check.h"

namespace giemsa {

using Bytes = std::span<const std::uint8_t>;

/// The `size` bytes at `offset`; Error(image) where the file ends before.
inline Bytes slice(Bytes bytes, std::size_t offset, std::size_t size) {
  check(offset <= bytes.size() && size <= bytes.size() - offset, ErrorKind::image, "truncated: needs ", size,
        " bytes at offset ", offset, ", but the file ends at ", bytes.size());
  return bytes.subspan(offset, size);
}

inline std::uint32_t read_le16(Bytes bytes, std::size_t offset) {
  const Bytes b = slice(bytes, offset, 2);
  return b[0] | std::uint32_t{b[1]} << 8;
}

inline std::uint32_t read_be16(Bytes bytes, std::size_t offset) {
  const Bytes b = slice(bytes, offset, 2);
  return std::uint32_t{b[0]} << 8 | b[1];
}

inline std::uint32_t read_le32(Bytes bytes, std::size_t offset) {
  return read_le16(bytes, offset) | read_le16(bytes, offset + 2) << 16;
}

inline std::uint32_t read_be32(Bytes bytes, std::size_t offset) {
  return read_be16(bytes, offset) << 16 | read_be16(bytes, offset + 2);
}

}  // namespace giemsa
