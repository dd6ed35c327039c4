// The last layer of a classifier, apart from the rest of it: what a laboratory can fit to its own cells while every
// other layer stays as it was trained.
#pragma once

#include <string>

#include "nets/model.h"

namespace giemsa {

/// logits = weight x features + bias.
struct LastLayer {
  Tensor weight;  ///< fp32 {classes, features}
  Tensor bias;    ///< fp32 {classes}
};

/// The classifier's own, in fp32 however it is stored. Throws Error(model) where its last layer is not fully connected.
LastLayer last_layer_of(const Model& classifier);

/// `classifier` with `layer` in the place of its own. Throws Error(model) where the shapes differ.
Model with_last_layer(Model classifier, const LastLayer& layer);

/// Eight hexadecimal digits that tell a classifier from others, by its last layer and the checkpoint it came from.
std::string last_layer_mark(const Model& classifier);

/// Frame u8 {1,H,W,3} and boxes i32 {1,4} -> probabilities {1,classes} as classify_graph() gives them, and as the second
/// output the features {1,features} that the last layer takes.
Graph features_graph(const Model& classifier, Size2 frame, CropMode crop);

}  // namespace giemsa
