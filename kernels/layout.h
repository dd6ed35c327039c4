// Between the order that tensors have outside, NCHW, and the kernels' own, NHWC.
//
//   nhwc[n][y][x][c] = nchw[n][c][y][x],  and back
#pragma once

#include "kernels/nhwc.h"
#include "kernels/types.h"

namespace giemsa::kernels {

struct LayoutParams {
  int images = 1, channels = 0;
  Extent map = {};
  int pixel_stride = 0;           ///< of the NHWC side
  std::int64_t image_stride = 0;  ///< elements from an image to the next on the NCHW side; 0: channels * map.h * map.w
};

/// In {images, image_stride} fp32, an image of which starts with {channels, map.h, map.w} -> out {images, map.h, map.w,
/// pixel_stride}; T is float or Half. Channels from the last up to pixel_stride are not written. Any number of
/// channels, stride and address will do. Throws std::invalid_argument where a precondition fails, as does
/// nhwc_to_nchw().
template <class T>
void nchw_to_nhwc(T* out, const float* in, const LayoutParams& params, Stream stream);

/// Likewise back; Out and In are float or Half. What lies between the end of an image and image_stride becomes 0: so it is
/// also Flatten, into rows that are padded for a matrix product.
template <class Out, class In>
void nhwc_to_nchw(Out* out, const In* in, const LayoutParams& params, Stream stream);

/// The padding of the NCHW side is not counted.
Cost cost(const LayoutParams& params, int in_element_bytes, int out_element_bytes);

}  // namespace giemsa::kernels
