// A caller's image as the engine takes it: 8-bit RGB, interleaved, rows without padding.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/modes.h"
#include "engine/giemsa.h"
#include "engine/run/cascade.h"

namespace giemsa::abi {

/// The frame's size. Throws Error(usage) where the description is wrong, Error(image) where the image is too large.
Size2 size_of(const giemsa_image& image);

/// The pixels of an image in the host's memory: the caller's own where they are as the engine takes them, else
/// converted into `memory`. Throws Error(usage) for an image that lies elsewhere.
const std::uint8_t* pixels_of(const giemsa_image& image, std::vector<std::uint8_t>& memory);

/// The same, and of an image in a GPU's memory its own. Throws Error(usage) for a format that is converted on the host
/// alone.
FramePixels frame_pixels_of(const giemsa_image& image, std::vector<std::uint8_t>& memory);

}  // namespace giemsa::abi
