// PNG (W3C PNG 3rd edition): every colour type and depth, interlaced or not.
#pragma once

#include "tools/image_io/decode.h"

namespace giemsa {

/// Decodes a PNG file, inflating row by row: what the compressed data hold beyond the image is never unpacked.
/// Checksums of critical chunks are verified. Throws Error(image).
Frame decode_png(Bytes bytes, const DecodeLimits& limits, DecodeNotes& notes);

/// The samples of a PNG as they are, for label images: grey of 8 or 16 bits, or palette indices of 8. Throws Error(image)
/// for other kinds too.
Labels decode_png_labels(Bytes bytes, const DecodeLimits& limits);

}  // namespace giemsa
