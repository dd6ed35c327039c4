// From an image file to a Frame: PNG, JPEG and BMP, told apart by their content, never by their name.
#pragma once

#include <cstdint>
#include <filesystem>

#include "engine/base/frame.h"
#include "tools/image_io/bytes.h"

namespace giemsa {

/// What a file may claim before anything is allocated for it.
struct DecodeLimits {
  std::int64_t max_pixels = 100'000'000;
};

/// Decodes an image file of 8 or 16 bits, grey or colour. JPEG's EXIF orientation is applied. Alpha is dropped and
/// colour profiles are ignored, as PIL's `convert("RGB")` does, which is what training pipelines feed their networks.
/// 16-bit samples are rounded to the nearest of 256 levels. Throws Error(image), one line that names the file, for
/// whatever cannot be read, is damaged, truncated, or too large.
Frame decode_image(const std::filesystem::path& file, const DecodeLimits& limits = {});

/// The same from memory; the message then names no file.
Frame decode_image(Bytes bytes, const DecodeLimits& limits = {});

/// Fails where the sides are not positive, or exceed the limits.
void check_extent(std::int64_t width, std::int64_t height, const DecodeLimits& limits);

}  // namespace giemsa
