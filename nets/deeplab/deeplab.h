// DeepLabv3 (arxiv.org/abs/1706.05587) and DeepLabv3+ (arxiv.org/abs/1802.02611) on a ResNet or MobileNetV2.
#pragma once

#include "nets/deeplab/layout.h"
#include "nets/deeplab/options.h"
#include "nets/layers.h"

namespace giemsa {

/// `image` {N,3,H,W} -> logits {N,classes,H,W}. With the option centre_offset DeepLabv3+ also has a centre head, whose
/// result, {N,3,h,w} on the grid of the low-level features, is the value called layout.centre_offsets: a heatmap that
/// peaks at the middle of each cell, and the offset (y, x) in places of that grid from each to the middle of its cell
/// (arxiv.org/abs/1911.10194, but on this decoder). `classes` is the full-width network's; the classifier's tensor
/// decides.
ValueId deeplabv3(Layers& layers, ValueId image, const DeepLabLayout& layout, const DeepLabOptions& options,
                  std::int64_t classes);
ValueId deeplabv3plus(Layers& layers, ValueId image, const DeepLabLayout& layout, const DeepLabOptions& options,
                      std::int64_t classes);

struct Architecture;
Architecture deeplabv3_architecture();
Architecture deeplabv3plus_architecture();

}  // namespace giemsa
