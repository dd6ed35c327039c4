// Boxes of a frame -> a batch of network inputs: crop, resample, (x / 255 - mean) / std. A crop is resampled as a
// picture of its own: nothing outside the box is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/base/box.h"
#include "engine/cpu/preprocess.h"
#include "engine/ops/crop_resize.h"

namespace giemsa::cpu {

/// The pixels that `box` takes of a frame: grown by a row and a column in mode `matlab`, then clipped. Throws
/// Error(internal) where no pixel is left or the box has no extent.
Box crop_of(Box box, CropMode mode, Size2 frame);

/// Enough for any box of a frame of this size.
std::size_t crop_resize_scratch_bytes(const CropResize& op, Size2 frame);

/// `frame` u8 {H,W,3} and the boxes, in pixels of the frame as rows of CropResize's second input, -> `out`, one picture
/// of op.output pixels and three channels a box.
void crop_resize(const CropResize& op, const std::uint8_t* frame, Size2 frame_size, std::span<const Box> boxes,
                 PixelLayout layout, float* out, std::span<std::byte> scratch);

}  // namespace giemsa::cpu
