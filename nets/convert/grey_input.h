// Networks that take grey images, as networks that take colours.
#pragma once

#include "weights/safetensors.h"

namespace giemsa {

/// Weights {K,1,h,w} of a first convolution -> {K,3,h,w}, which gives of three colours what the former gives of their
/// grey: ITU-R 601's 0.299 R + 0.587 G + 0.114 B, as Pillow and OpenCV compute it. Channels have one mean and one
/// standard deviation, so that their weighted sum is the normalised grey. Of grey images nothing changes.
Tensor widen_grey_input(const Tensor& weight);

}  // namespace giemsa
