// A caller's image as the engine takes it: 8-bit RGB, interleaved, rows without padding.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/modes.h"
#include "engine/giemsa.h"

namespace giemsa::abi {

/// The frame's size. Throws Error(usage) where the description is wrong, Error(image) where the image is too large.
Size2 size_of(const giemsa_image& image);

/// The pixels: the caller's own where they are as the engine takes them, else converted into `memory`.
const std::uint8_t* pixels_of(const giemsa_image& image, std::vector<std::uint8_t>& memory);

}  // namespace giemsa::abi
