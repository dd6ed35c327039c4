// From an image file to a Frame: PNG, JPEG and BMP, told apart by their content, never by their name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/base/frame.h"
#include "tools/image_io/bytes.h"

namespace giemsa {

/// What a file may claim before anything is allocated for it.
struct DecodeLimits {
  std::int64_t max_pixels = 100'000'000;
};

/// What a person should know of a decoded image.
struct DecodeNotes {
  std::string warning;  ///< one line, empty where nothing was assumed
};

/// Decodes an image file of 8 or 16 bits, grey or colour. The EXIF orientation of JPEG and PNG is applied. Alpha is
/// dropped and colour profiles are ignored, as PIL's `convert("RGB")` does, which is what training pipelines feed their
/// networks. 16-bit samples are rounded to the nearest of 256 levels (deep_samples.h). Throws Error(image), one line
/// that names the file, for whatever cannot be read, is damaged, truncated, or too large.
Frame decode_image(const std::filesystem::path& file, const DecodeLimits& limits = {}, DecodeNotes* notes = nullptr);

/// The same from memory; the message then names no file.
Frame decode_image(Bytes bytes, const DecodeLimits& limits = {}, DecodeNotes* notes = nullptr);

/// Fails where the sides are not positive, or exceed the limits.
void check_extent(std::int64_t width, std::int64_t height, const DecodeLimits& limits);

}  // namespace giemsa
