// Boxes of a frame -> a batch of network inputs: crop, resample along both axes, (u / 255 - mean) / std.
//
//   mid[v][i] = clip(round(sum_t first.weight[i][t] * crop[v][first.first[i] + t])),   out likewise along the second
//   axis
//
// A crop is resampled as a picture of its own: nothing outside the box is read. Boxes lie in device memory, so that
// what finds them need not tell the host; the tables are made there too, by kernels/cpu/imaging/resize.cpp's
// arithmetic, and the bytes, and in fp32 the results, equal the CPU's.
#pragma once

#include "kernels/nhwc.h"
#include "kernels/types.h"

namespace giemsa::kernels {

/// Pixels of the frame, origin top left.
struct CropBox {
  std::int32_t x, y, w, h;
};

enum class CropFilter : std::uint8_t {
  bilinear,  ///< Pillow's Image.resize(BILINEAR): x first
  bicubic,   ///< MATLAB's imresize: the axis that shrinks most first
};

struct CropResizeParams {
  int boxes = 1;  ///< at most 65535
  Extent frame = {}, out = {};
  bool grow = false;  ///< MATLAB's imcrop takes a column and a row more than the box has; clipped at the frame's edge
  CropFilter filter = CropFilter::bilinear;
  float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};  ///< of the result's channels
  bool bgr = false;             ///< the result's channels are blue, green, red
  int output_pixel_stride = 3;  ///< elements from a pixel to the next; those after the three channels become 0
};

/// Of crop_resize()'s tables: room for boxes as large as the frame.
std::size_t workspace_bytes(const CropResizeParams& params);

/// Frame u8 {frame.h, frame.w, 3} and boxes {boxes}, in device memory -> out {boxes, out.h, out.w,
/// output_pixel_stride}; T is float or Half. Boxes are clipped to the frame; one without extent, or outside the frame,
/// becomes a picture of zeros. `workspace` has workspace_bytes(params) bytes, aligned to 4, of any content. Two
/// launches. Throws std::invalid_argument where a precondition fails.
template <class T>
void crop_resize(T* out, void* workspace, const std::uint8_t* frame, const CropBox* boxes,
                 const CropResizeParams& params, Stream stream);

/// The host does not know how large the boxes are: counts them as the pictures that they become, on average, which is
/// also what a filter that does not shrink reads: 2 taps an axis, of the bicubic 4.
Cost cost(const CropResizeParams& params, int element_bytes);

}  // namespace giemsa::kernels
