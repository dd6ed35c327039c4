// Extents, and the ways in which images are resampled, cropped and upsampled.
#pragma once

#include <cstdint>

namespace giemsa {

/// Height and width, in that order, as everywhere here.
struct Size2 {
  std::int64_t h = 0, w = 0;
  friend bool operator==(const Size2&, const Size2&) = default;
};

/// How an image is resampled when it changes size. Both widen their kernel when shrinking (antialiasing).
enum class ResizeFilter : std::uint8_t {
  bilinear,  ///< Pillow's BILINEAR bit for bit: horizontal pass first, each pass rounded to u8 (torchvision Resize on
             ///< PIL)
  bicubic,   ///< MATLAB's imresize: a = -0.5, symmetric edges
};

/// In which order a network takes the colours.
enum class ChannelOrder : std::uint8_t {
  rgb,
  bgr,  ///< as OpenCV's imread gives them
};

/// Which pixels of the frame a component's box takes.
enum class CropMode : std::uint8_t {
  tight,   ///< exactly the box: h x w
  matlab,  ///< imcrop of BoundingBox: (h+1) x (w+1), clipped at the frame's edge
};

/// What a bilinear upsampling reads outside its input.
enum class EdgeMode : std::uint8_t {
  clamp,  ///< the nearest sample (PyTorch's interpolate)
  zero,   ///< zero: equals a fixed bilinear transposed convolution (MATLAB's, Caffe's)
};

}  // namespace giemsa
