// A frame as the C functions take it.
#pragma once

#include "engine/base/frame.h"
#include "engine/giemsa.h"

namespace giemsa::test {

/// Its pixels stay the frame's.
inline giemsa_image image_of(const Frame& frame) {
  giemsa_image image;
  GIEMSA_INIT(image);
  image.format = GIEMSA_RGB8;
  image.pixels = frame.rgb.data();
  image.width = static_cast<std::uint32_t>(frame.width);
  image.height = static_cast<std::uint32_t>(frame.height);
  return image;
}

}  // namespace giemsa::test
