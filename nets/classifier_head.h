// The fully connected layers at the end of a classifier, as people replace them: one layer, a Sequential, named ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nets/layers.h"
#include "nets/model_info.h"
#include "weights/safetensors.h"

namespace giemsa {

/// Names of the fully connected layers that `prefix` is or holds ("fc"; "fc.0", "fc.3"; "fc.hidden", "fc.out"), in
/// order: each takes as many features as the one before it gives, and where that leaves a choice the lower number
/// comes first. Empty: there are none.
std::vector<std::string> head_layers(const TensorMap& tensors, std::string_view prefix);

/// Throws Error(kind), in the name of `option`, where a name is not one that a head under `prefix` can have, or stands
/// twice.
void check_head(const std::vector<std::string>& names, std::string_view prefix, const char* option, ErrorKind kind);

/// {N,K} -> logits {N,classes}. Between two layers is a ReLU, unless their numbers in a Sequential follow each other so
/// that nothing can be; Dropout does nothing here, and LogSoftmax at the end changes no probability. `hidden` is the
/// full width between two layers.
ValueId add_head(Layers& layers, ValueId x, const std::vector<std::string>& names, std::int64_t hidden,
                 std::int64_t classes);

/// Feature map {N,K,H,W} -> the mean of each channel {N,K} -> logits {N,classes}, by add_head(): how torchvision's
/// classifiers without fully connected features end.
ValueId add_pooled_head(Layers& layers, ValueId x, const std::vector<std::string>& names, std::int64_t classes);

/// Throws Error(kind) unless the network takes images of one size.
void check_fixed_input(const ModelInfo& info, ErrorKind kind);

}  // namespace giemsa
