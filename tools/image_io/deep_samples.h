// 16-bit samples, and which 256 levels they become.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/frame.h"
#include "tools/image_io/decode.h"

namespace giemsa {

/// A picture of 16-bit samples; R, G and B are equal where it is grey.
struct DeepFrame {
  DeepFrame(int width_, int height_)
      : width(width_), height(height_), rgb(3 * static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_)) {}

  std::uint16_t* at(int x, int y) {
    return &rgb[3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x))];
  }

  int width, height;
  std::vector<std::uint16_t> rgb;
};

/// The picture in 8 bits, each sample at the nearest level. Cameras of 10, 12 or 14 bits often store their samples as
/// they are, and a picture so dark would be taken for one large cell. `significant_bits` is what the file says of the
/// camera, 0 where it says nothing. Where all samples fit into so many bits, the largest such sample is white. Where
/// the file says nothing, the samples decide between 8, 10, 12, 14 and 16 bits, and fewer than 16 are a warning.
Frame to_eight_bits(const DeepFrame& deep, int significant_bits, DecodeNotes& notes);

}  // namespace giemsa
