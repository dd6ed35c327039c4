// PNG out: colour pictures, masks and 16-bit label images, tuned for speed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/base/frame.h"

namespace giemsa {

/// The bytes of a PNG file: 8-bit RGB of a Frame, 8-bit grey of a Mask, 16-bit grey of Labels. Both sides at least 1.
std::vector<std::uint8_t> encode_png(const Frame& frame);
std::vector<std::uint8_t> encode_png(const Mask& mask);
std::vector<std::uint8_t> encode_png(const Labels& labels);

/// Writes the same atomically. Throws Error(output).
void write_png(const std::filesystem::path& file, const Frame& frame);
void write_png(const std::filesystem::path& file, const Mask& mask);
void write_png(const std::filesystem::path& file, const Labels& labels);

}  // namespace giemsa
