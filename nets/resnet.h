// ResNet-50 (He et al. 2015, arxiv.org/abs/1512.03385) as a backbone: no classifier, any output stride.
#pragma once

#include "nets/layers.h"
#include "weights/options.h"

namespace giemsa {

struct ResNetFeatures {
  ValueId low_level;   ///< layer1: {N,256,H/4,W/4}
  ValueId high_level;  ///< layer4: {N,2048,H/output_stride,W/output_stride}
};

/// `image` is {N,3,H,W}.
ResNetFeatures resnet50(Layers& layers, ValueId image, const ResNetNames& names, const DeepLabOptions& options);

}  // namespace giemsa
