// JPEG (ITU-T T.81): baseline and progressive, grey, YCbCr, RGB and CMYK, by libjpeg-turbo.
#pragma once

#include "tools/image_io/decode.h"

namespace giemsa {

/// Decodes a JPEG file and turns it upright by the first orientation that its Exif segments hold. The pixels are those
/// of libjpeg-turbo's usual settings, which Pillow, OpenCV and torchvision show too.
///
/// libjpeg fills in what is missing and warns; here every block must be there. A file whose data end early, hold codes
/// that do not exist or more than its blocks, or that lacks a component's scans, is refused. A missing end-of-image
/// marker, stray bytes between segments, and left-out Huffman tables, as in frames of motion JPEG, where the standard's
/// are meant, do no harm. CMYK is read where an Adobe segment says how. Bytes after the end are ignored. Throws
/// Error(image).
Frame decode_jpeg(Bytes bytes, const DecodeLimits& limits, DecodeNotes& notes);

}  // namespace giemsa
