// The tensors that a network is made of, told by building it from tensors without values.
#pragma once

#include <map>
#include <string>

#include "engine/base/tensor.h"
#include "nets/model_info.h"

namespace giemsa {

/// Names and full-width shapes of every tensor of the network that `info` describes. Throws Error(model) where `info`
/// describes none.
std::map<std::string, Shape> blueprint(const ModelInfo& info);

}  // namespace giemsa
