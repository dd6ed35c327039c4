// From an image file to a Frame: PNG, JPEG, BMP and TIFF, told apart by their content, never by their name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/base/frame.h"
#include "tools/image_io/bytes.h"
#include "tools/image_io/pixel_size.h"

namespace giemsa {

/// As a path: what the process reads on its standard input.
inline const std::filesystem::path standard_input = "-";

/// What a file may claim before anything is allocated for it.
struct DecodeLimits {
  std::int64_t max_pixels = 100'000'000;
};

/// What a person should know of a decoded image.
struct DecodeNotes {
  std::string warning;                  ///< one line, empty where nothing was assumed
  std::optional<PixelSize> pixel_size;  ///< where the file tells it (TIFF, PNG); of the image as it is given back
};

/// Decodes an image file of 8 or 16 bits, grey or colour. The orientation that JPEG, PNG and TIFF note is applied.
/// Alpha is dropped and colour profiles are ignored, as PIL's `convert("RGB")` does, which is what training pipelines
/// feed their networks. 16-bit samples are rounded to the nearest of 256 levels (deep_samples.h). Throws Error(image),
/// one line that names the file, for whatever cannot be read, is damaged, truncated, or too large. `number` counts a
/// file's images from 0. A pipe is read to its end, `standard_input` too.
Frame decode_image(const std::filesystem::path& file, const DecodeLimits& limits = {}, DecodeNotes* notes = nullptr,
                   int number = 0);

/// A label image: a PNG, grey of 8 or 16 bits or with a palette of 8, whose samples are taken as they are. Throws as
/// decode_image() does.
Labels read_png_labels(const std::filesystem::path& file, const DecodeLimits& limits = {});

/// How many images a file holds: 1, but for TIFF files of several pages. What cannot be read counts as 1: decoding it
/// tells why.
int count_images(const std::filesystem::path& file, const DecodeLimits& limits = {});

/// The first image of a file in memory; the message then names no file.
Frame decode_image(Bytes bytes, const DecodeLimits& limits = {}, DecodeNotes* notes = nullptr);

/// Fails where the sides are not positive, or exceed the limits.
void check_extent(std::int64_t width, std::int64_t height, const DecodeLimits& limits);

}  // namespace giemsa
