// DeepLabv3 (arxiv.org/abs/1706.05587) and DeepLabv3+ (arxiv.org/abs/1802.02611) on ResNet-50.
#pragma once

#include "nets/layers.h"
#include "weights/options.h"

namespace giemsa {

/// `image` {N,3,H,W} -> logits {N,classes,H,W}. `classes` is the full-width network's; the classifier's tensor decides.
ValueId deeplabv3(Layers& layers, ValueId image, const DeepLabLayout& layout, const DeepLabOptions& options,
                 std::int64_t classes);
ValueId deeplabv3plus(Layers& layers, ValueId image, const DeepLabLayout& layout, const DeepLabOptions& options,
                     std::int64_t classes);

}  // namespace giemsa
