// BMP: Windows and OS/2 headers, 1 to 32 bits a pixel, uncompressed or in run lengths.
#pragma once

#include "tools/image_io/decode.h"

namespace giemsa {

/// Decodes a BMP file by what is there: the pixels' place is checked against the file's true size, and the header's own
/// sizes (bfSize, biSizeImage, biSize and bfOffBits where they cannot be right), which microscope software often writes
/// wrong, are not believed. Throws Error(image).
Frame decode_bmp(Bytes bytes, const DecodeLimits& limits, DecodeNotes& notes);

}  // namespace giemsa
