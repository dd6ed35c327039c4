// AlexNet: the original of two towers (Krizhevsky et al. 2012; Caffe, MATLAB) and torchvision's single tower
// (arxiv.org/abs/1404.5997).
#pragma once

#include "nets/layers.h"
#include "weights/options.h"

namespace giemsa {

/// `image` {N,3,H,W} -> logits {N,classes}. `classes` is the full-width network's; the last layer's tensor decides.
ValueId alexnet(Layers& layers, ValueId image, const AlexNetOptions& options, std::int64_t classes);

}  // namespace giemsa
