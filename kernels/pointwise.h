// What maps every element of a picture by itself.
//
//   copy_pixels     out[p][c] = act(in[p][c])                         also Relu, and the parts of a Concat
//   add_pixels      out[p][c] = act(a[p][c] + b[p][c])
//   affine_pixels   out[p][c] = act(scale[c] in[p][c] + shift[c])     a BatchNorm that could not be folded
#pragma once

#include "kernels/ceiling.h"
#include "kernels/types.h"

namespace giemsa::kernels {

struct PointwiseParams {
  std::int64_t pixels = 0;  ///< of all images together
  int channels = 0;
  int first_pixel_stride = 0, second_pixel_stride = 0;  ///< of the inputs; the second is add_pixels' `b`
  int output_pixel_stride = 0;
  bool relu = false;
  float ceiling = unbounded;  ///< with relu: the largest result, 6 of ReLU6
};

/// In {pixels, first_pixel_stride} -> out {pixels, output_pixel_stride}. T is float or Half, sums are fp32. Any number
/// of channels, stride and address will do; whole 16-byte vectors are fast. An input may be the output where their
/// strides are equal; other overlaps are not allowed. Throws std::invalid_argument where a precondition fails, as do
/// the others.
template <class T>
void copy_pixels(T* out, const T* in, const PointwiseParams& params, Stream stream);

template <class T>
void add_pixels(T* out, const T* a, const T* b, const PointwiseParams& params, Stream stream);

/// scale, shift {channels}.
template <class T>
void affine_pixels(T* out, const T* in, const float* scale, const float* shift, const PointwiseParams& params,
                   Stream stream);

/// Of an operation with `inputs` pictures to read (add_pixels: 2); a flop an element.
Cost cost(const PointwiseParams& params, int element_bytes, int inputs = 1);

}  // namespace giemsa::kernels
