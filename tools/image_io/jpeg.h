// JPEG (ITU-T T.81): baseline and progressive, grey, YCbCr, RGB and CMYK.
#pragma once

#include "tools/image_io/decode.h"

namespace giemsa {

/// Decodes a JPEG file by stb_image and turns it upright by its EXIF orientation. Before that the file's markers are
/// walked, because stb_image decodes what is missing as grey and repeats any number of scans: a file that ends before
/// its end-of-image marker, lacks a component's scan, or whose scans are too short to hold their blocks is refused.
/// Bytes after the end are ignored. Throws Error(image).
///
/// Against libjpeg-turbo (PIL) on 30 smear images: mean difference 0.02 levels, largest 3.
Frame decode_jpeg(Bytes bytes, const DecodeLimits& limits);

}  // namespace giemsa
