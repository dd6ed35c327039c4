// The one EXIF tag that changes what an image shows: its orientation (EXIF 2.32, tag 0x0112).
#pragma once

#include <optional>

#include "engine/base/frame.h"
#include "tools/image_io/bytes.h"

namespace giemsa {

/// The orientation 1..8 in the TIFF structure that follows "Exif\0\0": a BYTE, SHORT or LONG. Nothing where it is
/// absent, invalid or out of bounds: a broken tag must not cost the image.
std::optional<int> exif_orientation(Bytes tiff);

/// The frame turned and mirrored upright. 5..8 swap width and height.
Frame upright(Frame frame, int orientation);

/// Whether upright() exchanges width and height.
constexpr bool is_transposed(int orientation) {
  return orientation >= 5;
}

}  // namespace giemsa
