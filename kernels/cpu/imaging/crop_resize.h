// Boxes of a frame -> a batch of network inputs: crop, resample, reorder the colours, (x / 255 - mean) / std. A crop is
// resampled as an image of its own: nothing outside the box is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/imaging/preprocess.h"

namespace giemsa::kernels::cpu {

/// x, y, width, height in pixels of the frame, origin top left.
struct Box {
  std::int32_t x, y, w, h;
  friend bool operator==(const Box&, const Box&) = default;
};

struct CropResizeParams {
  Extent output;
  bool grow = false;  ///< boxes by a row and a column, as MATLAB's imcrop does, before they are clipped at the frame
  ResizeFilter filter = ResizeFilter::bilinear;
  std::array<float, 3> mean{}, std{1, 1, 1};  ///< of the result's channels
  bool bgr = false;                           ///< the result's channels are blue, green, red
};

/// The pixels that `box` takes of a frame: grown, then clipped. Throws std::invalid_argument where no pixel is left or
/// the box has no extent.
Box crop_of(Box box, bool grow, Extent frame);

/// Enough for any box of a frame of this size.
std::size_t crop_resize_scratch_bytes(const CropResizeParams& params, Extent frame);

/// `frame` u8 {H,W,3} and the boxes -> `out` {h,w,3} of params.output per box.
void crop_resize(const CropResizeParams& params, const std::uint8_t* frame, Extent frame_size,
                 std::span<const Box> boxes, float* out, std::span<std::byte> scratch);

}  // namespace giemsa::kernels::cpu
