#include "tools/image_io/exif.h"

#include <algorithm>

namespace giemsa {

std::optional<int> exif_orientation(Bytes tiff) try {
  const bool little = read_be16(tiff, 0) == 0x4949;  // "II"
  if (!little && read_be16(tiff, 0) != 0x4d4d) return {};
  const auto read16 = [&](std::size_t at) { return little ? read_le16(tiff, at) : read_be16(tiff, at); };
  const auto read32 = [&](std::size_t at) { return little ? read_le32(tiff, at) : read_be32(tiff, at); };

  constexpr std::uint32_t orientation_tag = 0x0112;
  enum Type : std::uint32_t { byte = 1, one_short = 3, one_long = 4 };
  const std::size_t directory = read32(4), entries = read16(directory);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * 12;
    if (read16(entry) != orientation_tag) continue;
    const std::uint32_t type = read16(entry + 2);
    const std::uint32_t value = type == one_short  ? read16(entry + 8)
                                : type == one_long ? read32(entry + 8)
                                : type == byte     ? slice(tiff, entry + 8, 1)[0]
                                                   : 0;
    if (value >= 1 && value <= 8) return static_cast<int>(value);
  }
  return {};
} catch (const Error&) {
  return {};
}

Frame upright(Frame frame, int orientation) {
  if (orientation == 1) return frame;
  const bool transposed = is_transposed(orientation);
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Frame out(transposed ? frame.height : frame.width, transposed ? frame.width : frame.height);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      const int from_x = transposed ? y : x, from_y = transposed ? x : y;
      std::copy_n(frame.at(flip_x ? frame.width - 1 - from_x : from_x, flip_y ? frame.height - 1 - from_y : from_y), 3,
                  out.at(x, y));
    }
  return out;
}

}  // namespace giemsa
